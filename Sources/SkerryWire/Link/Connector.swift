/// Makes links to one peer.
public protocol Connector: Sendable {
    /// Connects and shakes hands. The link reads nothing until it is started; one that is not wanted is cut.
    ///
    /// - Throws: ``LinkError``, whose ``LinkError/isRetryable`` says whether another attempt makes sense; ``ReconnectPolicy`` says when.
    func connect() async throws(LinkError) -> any Link
}
