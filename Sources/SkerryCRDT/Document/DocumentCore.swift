/// Everything a document is, without its lock.
struct DocumentCore: ~Copyable, Sendable {
    /// Which container the events from a version on belong to.
    struct Owner: BitwiseCopyable, Sendable {
        var version: UInt32
        var container: UInt32
    }

    private let pin = Pin()

    let origin: OriginID
    let originNumber: UInt32
    let now: @Sendable () -> UInt64
    var clock = HybridClock()

    var graph = EventGraph()
    var containers = ContainerTable()
    var owners = RawArray<Owner>()
    var texts = OwnedArray<TextState>()
    var lists = OwnedArray<ListState>()
    var values = OwnedArray<ValueState>()

    /// Brings the chunks with the events of the base, when something asks for them.
    var historySource: (@Sendable () throws(DocumentError) -> [UInt8])?
    /// True while those are read: the state knows them already.
    var isRestoring = false

    /// Bytes of a tracker above which it goes when it can.
    var trackerMaximum = SequenceState.trackerFootprintMaximum

    /// What the writers of the values that are committed have seen, and those of the elements that are checked, each asked in order.
    var valueClocks = TrackerClocks()
    var elementClocks = TrackerClocks()

    // Room that is used again and again.
    var scratch = DifferenceScratch()
    var edits = EditBuffer()
    var seen = RawArray<UInt32>(capacity: 8)
    /// By number in the batch at hand: the container here, ``ContainerTable/root`` when it was not asked for yet.
    var batchContainers = RawArray<UInt32>(capacity: 4)
    var checkpoint = Checkpoint()
    var journal = Journal()
    /// Whether the batch at hand was refused for an element of the base that is not here.
    var namesForgottenElement = false
    /// Value events of the batch at hand: container and index in its log.
    var pendingValues = RawArray<PendingValue>()

    /// True while own history is read back.
    var trustsStamps = false
    /// Events that came before their past.
    var pending = PendingEvents()

    struct PendingValue: BitwiseCopyable, Sendable {
        var container: UInt32
        var entry: UInt32
    }

    /// Counts changes, so that an editor of a finished one is found out.
    var changeSerial: UInt64 = 0
    var isChanging = false

    /// What watchers have not been told yet; nothing is collected while there are none.
    var isWatched = false
    var deltas: [ContainerDelta] = []
    /// The container of the last delta.
    var notedContainer: UInt32 = 0
    var outbox: [(number: UInt64, change: DocumentChange)] = []
    /// The number of the change published last.
    var published: UInt64 = 0

    /// How kinds of marks grow that are made here.
    var expansions: [String: MarkExpansion] = [:]

    /// What can be undone; nil while nobody wants to.
    var undo: UndoHistory?

    init(origin: OriginID, now: @escaping @Sendable () -> UInt64) {
        self.origin = origin
        self.now = now
        originNumber = graph.number(of: origin)
    }

    // MARK: - Containers

    /// The container with a name, made when it is not there.
    @inline(__always)
    mutating func container(_ name: ContainerTable.Name) -> UInt32 {
        if let number = containers.number(of: name) { return number }
        return makeContainer(name)
    }

    @inline(never)
    private mutating func makeContainer(_ name: ContainerTable.Name) -> UInt32 {
        switch name.kind {
        case .text:
            texts.append(TextState())
            return containers.append(name, slot: texts.count - 1)
        case .list:
            lists.append(ListState())
            return containers.append(name, slot: lists.count - 1)
        case .map, .counter, .set, .register:
            values.append(ValueState(kind: name.kind))
            return containers.append(name, slot: values.count - 1)
        }
    }

    /// Forgets the newest containers.
    mutating func truncateContainers(to count: Int) {
        for container in stride(from: containers.count - 1, through: count, by: -1) {
            switch containers.kind(of: UInt32(container)) {
            case .text: texts.truncate(to: texts.count - 1)
            case .list: lists.truncate(to: lists.count - 1)
            case .map, .counter, .set, .register: values.truncate(to: values.count - 1)
            }
        }
        containers.truncate(to: count)
    }

    @inline(__always)
    mutating func own(_ container: UInt32, from version: Int) {
        if owners.count > 0, owners[owners.count - 1].container == container { return }
        owners.append(Owner(version: UInt32(version), container: container))
    }

    /// The index in `owners` of the container that a version belongs to.
    func owner(of version: Int) -> Int {
        var low = 0, high = owners.count - 1
        if Int(owners[high].version) <= version { return high }
        while low < high {
            let middle = (low + high + 1) / 2
            if Int(owners[middle].version) <= version { low = middle } else { high = middle - 1 }
        }
        return low
    }

    // MARK: - Versions

    /// How much of each origin this replica has, sorted by origin.
    var version: CausalContext {
        var context = CausalContext()
        for (number, origin) in graph.origins.enumerated() where graph.sequences[number] > 0 {
            context.insert(Dot(origin: origin, sequence: UInt64(graph.sequences[number])))
        }
        return context
    }

    /// Forgets what writers have seen, after events have gone or got other local versions.
    mutating func restartClocks() {
        valueClocks.start(at: graph.base.count - 1)
        elementClocks.start(at: graph.base.count - 1)
    }
}
