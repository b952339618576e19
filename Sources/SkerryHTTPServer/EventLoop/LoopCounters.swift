internal import Synchronization

/// The figures of one event loop: written by its thread alone, read by any.
///
/// One writer makes a load and a store enough; a read-modify-write instruction per request would cost more than the figure is worth.
final class LoopCounters: Sendable {
    private let openConnections = Atomic<Int>(0)
    private let activeRequests = Atomic<Int>(0)
    private let acceptedConnections = Atomic<UInt64>(0)
    private let refusedConnections = Atomic<UInt64>(0)
    private let requests = Atomic<UInt64>(0)
    private let bytesIn = Atomic<UInt64>(0)
    private let bytesOut = Atomic<UInt64>(0)

    func connectionOpened() {
        openConnections.raise(by: 1)
        acceptedConnections.raise(by: 1)
    }

    func connectionClosed() {
        openConnections.raise(by: -1)
    }

    func connectionRefused() {
        refusedConnections.raise(by: 1)
    }

    func requestStarted() {
        activeRequests.raise(by: 1)
        requests.raise(by: 1)
    }

    func requestEnded() {
        activeRequests.raise(by: -1)
    }

    func received(byteCount: Int) {
        bytesIn.raise(by: UInt64(byteCount))
    }

    func sent(byteCount: Int) {
        bytesOut.raise(by: UInt64(byteCount))
    }

    var openConnectionCount: Int { openConnections.load(ordering: .relaxed) }

    var snapshot: HTTPServerStatistics {
        var figures = HTTPServerStatistics()
        figures.openConnections = openConnections.load(ordering: .relaxed)
        figures.activeRequests = activeRequests.load(ordering: .relaxed)
        figures.acceptedConnections = acceptedConnections.load(ordering: .relaxed)
        figures.refusedConnections = refusedConnections.load(ordering: .relaxed)
        figures.requests = requests.load(ordering: .relaxed)
        figures.bytesIn = bytesIn.load(ordering: .relaxed)
        figures.bytesOut = bytesOut.load(ordering: .relaxed)
        return figures
    }
}

extension Atomic<Int> {
    fileprivate borrowing func raise(by amount: Int) {
        store(load(ordering: .relaxed) + amount, ordering: .relaxed)
    }
}

extension Atomic<UInt64> {
    fileprivate borrowing func raise(by amount: UInt64) {
        store(load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
