import Logging
import SkerrySession
import SkerryWire

/// What a link drives: stands between one link and the session it belongs to, which has several in its life.
///
/// A link that was connected to belongs to nobody until its first packet says which session it means.
// `session` is touched only on the loop of the link, and before the link was started.
final class SessionAttachment: LinkDriver, @unchecked Sendable {
    let link: any Link
    private let server: SessionServer?
    private var session: Session?

    init(_ link: any Link, to session: Session) {
        self.link = link
        self.session = session
        server = nil
    }

    init(_ link: any Link, at server: SessionServer) {
        self.link = link
        self.server = server
    }

    func received(_ packet: UnsafeRawBufferPointer) {
        if let session { return session.received(packet, from: self) }
        guard let server else { return }
        do throws(CallError) {
            let session = try server.session(for: self, packet)
            self.session = session
            session.received(packet, from: self)
        } catch {
            server.options.logger.info("a link was refused", metadata: ["peer": "\(link.peer)", "error": "\(error)"])
            link.cut()
        }
    }

    func readCompleted() { session?.readCompleted() }

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        session?.nextPacket(into: &packet, for: self) ?? false
    }

    var isGathering: Bool { session?.isGathering ?? false }

    func endGathering() { session?.endGathering() }

    func linkClosed(_ error: LinkError?) {
        session?.linkClosed(error, self)
        session = nil
    }
}
