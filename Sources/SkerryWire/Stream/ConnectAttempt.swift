internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// One attempt to connect. Whoever comes first decides it: the link, an error, or the task that no longer wants it.
final class ConnectAttempt: Sendable {
    let promise: EventLoopPromise<any Link>
    private let address: LinkAddress
    private let state = Mutex(State())

    /// A host with several addresses has several channels, of which one wins.
    private struct State {
        var isDecided = false
        var openings: [(channel: any Channel, opening: LinkOpening)] = []
    }

    init(address: LinkAddress, promise: EventLoopPromise<any Link>) {
        self.address = address
        self.promise = promise
    }

    func start(_ bootstrap: ClientBootstrap) {
        bootstrap.connect(host: address.host, port: address.port).whenFailure { [self] error in
            complete(.failure(LinkError(error, peer: address.description)))
        }
    }

    func opened(_ channel: any Channel, _ opening: LinkOpening) {
        let isDecided = state.withLock { state in
            if !state.isDecided { state.openings.append((channel, opening)) }
            return state.isDecided
        }
        if isDecided { opening.cancel(channel) }
    }

    /// A link that comes too late is cut: nobody would ever start it.
    func complete(_ result: Result<any Link, LinkError>) {
        guard decide() else {
            if case .success(let link) = result { link.cut() }
            return
        }
        promise.completeWith(result.mapError { $0 as any Error })
    }

    func cancel() {
        let openings = state.withLock { $0.openings }
        for (channel, opening) in openings { opening.cancel(channel) }
        complete(.failure(LinkError(.cut, "connecting to \(address) was cancelled")))
    }

    private func decide() -> Bool {
        state.withLock { state in
            defer {
                state.isDecided = true
                state.openings = []
            }
            return !state.isDecided
        }
    }
}
