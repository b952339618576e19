/// How a call of ours ended.
@frozen
public struct Outcome: Sendable {
    /// Why there is no result, or nil when ``payload`` is the result.
    public var failure: CallFailure?
    /// The result, or the value that belongs to the failure (a typed error, say), or nothing.
    public var payload: Payload
    public var format: PayloadFormat
    /// Introduced by the reply: each is claimed as a proxy or given back with ``SessionCore/release(_:introductions:)``.
    public var references: [SessionReference]

    @inlinable
    public init(failure: CallFailure?, payload: Payload, format: PayloadFormat, references: [SessionReference]) {
        self.failure = failure
        self.payload = payload
        self.format = format
        self.references = references
    }

    @inlinable
    init(_ failure: CallFailure) {
        self.init(failure: failure, payload: .empty, format: .none, references: [])
    }
}
