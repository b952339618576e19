public import SkerrySession

/// One call between references, apart from types: what to call, and the arguments as they travel.
public struct Invocation: Sendable {
    /// The wire name of the method.
    public let method: String
    /// The caller's digest of the method, 0 when it has none to compare (dynamic calls).
    public let digest: UInt64
    public let options: MethodOptions
    public var payload: ServicePayload
    /// How the result should be written.
    public var replyFormat: PayloadFormat
    /// Names the call over repetitions, for `@Durable` methods.
    public var requestID: RequestID?
    /// The method itself, where name and digest were found to be those of one that this process knows.
    var descriptor: MethodDescriptor?

    public init(
        method: String, digest: UInt64, options: MethodOptions, payload: ServicePayload, replyFormat: PayloadFormat? = nil,
        requestID: RequestID? = nil
    ) {
        self.method = method
        self.digest = digest
        self.options = options
        self.payload = payload
        self.replyFormat = replyFormat ?? payload.format
        self.requestID = requestID
    }

    /// A call of a method that this process knows.
    init(
        of descriptor: MethodDescriptor?, method: String, digest: UInt64, options: MethodOptions, payload: ServicePayload,
        replyFormat: PayloadFormat, requestID: RequestID?
    ) {
        self.method = method
        self.digest = digest
        self.options = options
        self.payload = payload
        self.replyFormat = replyFormat
        self.requestID = requestID
        self.descriptor = descriptor
    }
}

/// What a ``Reference`` leads to: an object in this process, an object behind a session, or another target with something in between.
package protocol ReferenceTarget: AnyObject, Sendable {
    /// The object in this process that a client may call directly, without the codec. Nil when calls must pass through the target.
    var implementation: (any Sendable)? { get }

    /// The format the arguments of a method should be written in.
    func format(for method: MethodDescriptor) -> PayloadFormat

    /// Calls, and gives the result.
    ///
    /// - Throws: ``CallError``, ``DeclaredFailure`` or `CancellationError`.
    func perform(_ invocation: Invocation) async throws -> ServicePayload

    /// Begins a call that is not answered; returns when it is queued.
    func send(_ invocation: Invocation) async throws(CallError)

    /// What the target knows of a method without asking anybody.
    func descriptor(of method: String) -> MethodDescriptor?

    /// Calls a method that returns a reference, and gives what it will return at once.
    func promise(_ invocation: Invocation, of method: MethodDescriptor) -> any ReferenceTarget

    /// What a promise turned out to be, once it is known; nil for a target that is none.
    func settled() async throws -> (any ReferenceTarget)?

    /// The methods of the object, when they are those of one service and no others.
    var table: MethodTable? { get }
}

extension ReferenceTarget {
    package var table: MethodTable? { nil }

    package func promise(_ invocation: Invocation, of method: MethodDescriptor) -> any ReferenceTarget {
        DeferredTarget(method, self, invocation)
    }

    package func settled() async throws -> (any ReferenceTarget)? { nil }
}
