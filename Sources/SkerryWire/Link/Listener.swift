/// A place where peers connect.
public protocol Listener: AnyObject, Sendable {
    /// Begins to accept. Called once.
    ///
    /// - Parameter accept: Runs on the loop of the new link, which it starts, at once or later; a link that is not wanted it cuts.
    /// - Returns: The address bound, with the port the system chose when 0 was asked for.
    /// - Throws: ``LinkError``; nothing is left running then.
    @discardableResult
    func start(_ accept: @escaping @Sendable (any Link) -> Void) async throws(LinkError) -> LinkAddress

    /// Stops accepting, gives the sessions on the links that stand time to end by themselves, then closes and at last cuts what is left.
    ///
    /// Returns when all is closed. Telling the sessions to end (GOAWAY) is up to who started them.
    func shutdown(within patience: Duration) async

    /// What the listener does right now.
    var statistics: ListenerStatistics { get }
}

/// Figures of a listener, taken one by one while it runs: each is exact, together they are not one instant.
public struct ListenerStatistics: Sendable, Hashable {
    /// Links accepted and not yet closed, those still shaking hands included.
    public var openLinks = 0
    /// Links handed to their owner since the start.
    public var acceptedLinks: UInt64 = 0
    /// Connections closed at once because too many were open.
    public var refusedConnections: UInt64 = 0

    public init() {}
}
