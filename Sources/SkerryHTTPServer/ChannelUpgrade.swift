package import NIOCore
package import SkerryHTTP

/// An upgrade that works on the channel itself.
///
/// The server goes on counting the connection among its open ones, against its limit too, until the channel closes; its timeouts end with HTTP.
package protocol ChannelUpgrade: HTTPUpgrade {
    /// Adds the handlers of the other protocol. Called once, on the channel's event loop, behind the 101; reading is still off (`autoRead`).
    ///
    /// Bytes the client sent behind its request come as inbound data, later in the same turn or in the next.
    /// An error closes the channel.
    func takeOver(_ channel: any Channel) throws

    /// The server stops and waits for the channel to close. Called on the channel's event loop.
    func shutdownBegan()
}

/// Protects the bytes of a server's connections: TLS. Regions of files cannot be sent through it.
package protocol ConnectionSecurity: Sendable {
    /// Adds handlers to a new channel, on its event loop, before all others.
    func addHandlers(to channel: any Channel) throws
}
