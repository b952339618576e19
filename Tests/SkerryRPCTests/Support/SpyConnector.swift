import SkerryCSP
import SkerrySession
import SkerryWire

/// Makes links that give away who drives them.
final class SpyConnector: Connector {
    private let base: any Connector
    private let latest = Locked<SpyLink?>(nil)

    init(_ base: any Connector) {
        self.base = base
    }

    func connect() async throws(LinkError) -> any Link {
        let link = SpyLink(try await base.connect())
        latest.withLock { $0 = link }
        return link
    }

    /// The driver of the latest link.
    var driver: (any LinkDriver)? { latest.withLock { $0 }?.driver.withLock { $0 } }
}

final class SpyLink: Link {
    private let base: any Link
    let driver = Locked<(any LinkDriver)?>(nil)

    init(_ base: any Link) {
        self.base = base
    }

    var traits: LinkTraits { base.traits }
    var peer: LinkPeer { base.peer }

    func start(_ driver: any LinkDriver) {
        self.driver.withLock { $0 = driver }
        base.start(driver)
    }

    func wake() { base.wake() }
    func close() { base.close() }
    func cut() { base.cut() }
}
