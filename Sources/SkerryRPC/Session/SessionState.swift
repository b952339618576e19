import SkerrySession
import SkerryWire

/// What a session knows, all of it under one lock.
struct SessionState: ~Copyable, Sendable {
    var core: SessionCore
    let role: SessionRole
    let options: SessionOptions
    /// What the peer calls as its root.
    let root: any ReferenceTarget

    // MARK: Going on

    /// What the core reported and nobody has looked at yet.
    var events: [SessionEvent] = []
    /// What is to be done outside the lock.
    var effects: [SessionEffect] = []
    /// An empty array with room, for ``effects`` while those that were in it are done.
    var spareEffects: [SessionEffect] = []
    /// Somebody is doing the effects.
    var isDraining = false
    /// When the timer is set for.
    var armed = Moment.distantFuture
    var timer: (any ScheduledCall)?

    // MARK: Link

    var attachment: SessionAttachment?
    /// The link knows that there is output, and has not asked for a packet since.
    var isLinkWoken = false
    /// Calls made since the link last asked for a packet.
    var callsUnsent = 0
    /// Callers that had their reply and have not called again: most will at once.
    var callersExpected = 0
    var lastPeer: LinkPeer?
    var isReconnecting = false
    var attempts: ReconnectPolicy.Attempts
    /// Tasks that wait for the first handshake.
    var beginners: [UnsafeContinuation<Void, any Error>] = []
    /// Tasks that wait for the end.
    var watchers: [UnsafeContinuation<Void, Never>] = []
    var wasEstablished = false
    var isGoingAway = false
    var isClosedHere = false
    /// The session is over, and its link will be when the last word was confirmed.
    var closesLinkWhenFinished = false
    var failure: CallError?

    // MARK: Calls of this side

    /// By the index of the question.
    var questions: [PendingCall?] = []
    /// Calls that wait for a place among those in flight, in the order they were made.
    var waiting = CallQueue()
    var methods: [MethodKey: MethodID] = [:]
    /// The same by ``MethodDescriptor/slot``, for those that have a descriptor.
    var methodsBySlot: [MethodID?] = []

    // MARK: Calls of the peer

    /// By the index of the answer.
    var answers: [RunningAnswer?] = []
    /// What the peer's method numbers stand for.
    var definitions: [KnownMethod] = []

    // MARK: References

    /// By the index of the reference, those hosted here and those hosted there.
    var exports: [Export?] = []
    var imports: [Import?] = []
    var exported: [ExportKey: ReferenceID] = [:]

    // MARK: Figures

    var stalls: UInt64 = 0
    var longestStall = Duration.zero
    var lastStalled = ""

    init(core: consuming SessionCore, role: SessionRole, options: SessionOptions, root: any ReferenceTarget) {
        self.core = core
        self.role = role
        self.options = options
        self.root = root
        attempts = options.reconnect.attempts()
    }

    /// The session is over and its link is gone.
    var isGone: Bool { failure != nil && attachment == nil }

    struct MethodKey: Hashable {
        let digest: UInt64
        let name: String
    }

    /// A method of the peer's numbering, with what it meant to the object that was last called by it.
    struct KnownMethod {
        let definition: MethodDefinition
        var table: MethodTable?
        var descriptor: MethodDescriptor?
    }

    /// A handler that has not answered.
    struct RunningAnswer {
        let id: AnswerID
        /// Nil as long as the handler has not suspended for the first time.
        var task: Task<Void, Never>?
        /// Called off before there was a task to cancel.
        var isCancelled = false
    }

    struct Export {
        let id: ReferenceID
        let key: ExportKey
        let object: Object

        enum Object {
            case service(any ReferenceTarget)
            case channel(any ChannelPump)
        }
    }

    struct Import {
        let id: ReferenceID
        /// A ``RemoteTarget`` or an ``ImportedChannel``.
        weak var object: (any ImportedObject)?
        /// Moves the elements of a channel whose elements have got a type.
        var pump: (any ChannelPump)?
    }
}

/// Under what an object that was exported is found again.
enum ExportKey: Hashable {
    case service(ObjectIdentifier)
    case sender(UInt64)
    case receiver(UInt64)
}

/// Something that the peer hosts.
protocol ImportedObject: AnyObject, Sendable {
    /// How often it was introduced and is to be given back; touched under the lock of the session.
    var introductions: Int { get set }
}

/// Calls in the order they were made. Called-off ones are skipped when their turn comes.
struct CallQueue {
    private var calls: [PendingCall?] = []
    private var start = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ call: PendingCall) {
        calls.append(call)
        count += 1
    }

    /// The first call that was not called off; it stays.
    ///
    /// - Parameter effects: lets go of those that were called off. They may hold the last references to objects, so that must not be done under the lock.
    mutating func first(_ effects: inout [SessionEffect]) -> PendingCall? {
        while start < calls.count {
            if let call = calls[start] {
                if !call.isCancelled { return call }
                effects.append(.drop(call))
            }
            advance()
        }
        return nil
    }

    mutating func removeFirst() {
        advance()
        count -= 1
    }

    /// The call was marked as called off and does not count any more.
    mutating func forget() { count -= 1 }

    private mutating func advance() {
        calls[start] = nil
        start += 1
        if start == calls.count {
            calls.removeAll(keepingCapacity: true)
            start = 0
        } else if start > 64, start * 2 > calls.count {
            calls.removeFirst(start)
            start = 0
        }
    }
}

extension Array {
    /// Puts `element` at `index`, growing with nils as far as needed.
    mutating func place<Wrapped>(_ element: Wrapped, at index: Int) where Element == Wrapped? {
        while count <= index { append(nil) }
        self[index] = element
    }

    /// The element at `index`, nil beyond the end.
    func at<Wrapped>(_ index: Int) -> Wrapped? where Element == Wrapped? {
        index < count ? self[index] : nil
    }
}
