public import SkerryWire

/// How a node reaches others, and they it: the seam between membership and what moves bytes.
///
/// Addresses are text, at most 255 bytes, as members tell them to each other. The links are ordered; packets of membership need no more than a
/// datagram gives, so a transport for datagrams may come beside this one.
public protocol MemberTransport: Sendable {
    /// Begins to accept links. Called once.
    ///
    /// - Parameter accept: called for each link, on its loop; starts it or cuts it.
    /// - Returns: the address that others are told.
    func listen(_ accept: @escaping @Sendable (any Link) -> Void) async throws(LinkError) -> String

    /// Connects to an address that a member named or a person wrote.
    ///
    /// - Parameter completion: called once, from any thread and perhaps inside this call.
    func connect(to address: String, _ completion: @escaping @Sendable (Result<any Link, LinkError>) -> Void)

    /// Stops accepting, and returns when all accepted links are closed; those that are not by then are cut after `patience`.
    func shutdown(within patience: Duration) async
}
