internal import NIOCore
internal import Synchronization

/// The open connections of a listener: bounded, counted, and closed in the end.
final class LinkRegister: Sendable {
    private let maximum: Int
    private let state = Mutex(State())

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var statistics = ListenerStatistics()
        /// Told when the last entry is gone; those that waited too long stay until then.
        var waiters: [EventLoopPromise<Bool>] = []
    }

    private struct Entry {
        var channel: any Channel
        var link: (any Link)?
    }

    init(maximum: Int) {
        self.maximum = maximum
    }

    var statistics: ListenerStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.openLinks = state.entries.count
            return statistics
        }
    }

    /// Counts a connection until it closes. False when there are too many.
    func admit(_ channel: any Channel) -> Bool {
        let isAdmitted = state.withLock { state in
            guard state.entries.count < maximum else {
                state.statistics.refusedConnections += 1
                return false
            }
            state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, link: nil)
            return true
        }
        if isAdmitted { channel.closeFuture.whenComplete { [self] _ in remove(channel) } }
        return isAdmitted
    }

    func accepted(_ link: any Link, on channel: any Channel) {
        state.withLock { state in
            state.statistics.acceptedLinks += 1
            state.entries[ObjectIdentifier(channel)]?.link = link
        }
    }

    private func remove(_ channel: any Channel) {
        let waiters: [EventLoopPromise<Bool>] = state.withLock { state in
            state.entries.removeValue(forKey: ObjectIdentifier(channel))
            guard state.entries.isEmpty else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.succeed(true) }
    }

    /// Waits for the links to end by themselves, closes the rest, and cuts what does not close.
    func drain(within patience: Duration, close: Duration, loop: any EventLoop) async {
        if await becomesEmpty(within: patience, loop) { return }
        for entry in entries() {
            if let link = entry.link { link.close() } else { entry.channel.close(promise: nil) }
        }
        // Links that are closed cut themselves in that time.
        if await becomesEmpty(within: close + .seconds(1), loop) { return }
        for entry in entries() { entry.channel.close(promise: nil) }
        _ = await becomesEmpty(within: close, loop)
    }

    private func entries() -> [Entry] {
        state.withLock { Array($0.entries.values) }
    }

    private func becomesEmpty(within patience: Duration, _ loop: any EventLoop) async -> Bool {
        let result = loop.makePromise(of: Bool.self)
        let isEmpty = state.withLock { state in
            if !state.entries.isEmpty { state.waiters.append(result) }
            return state.entries.isEmpty
        }
        if isEmpty { result.succeed(true) }
        // Of two answers to one promise the first counts.
        let timer = loop.scheduleTask(in: TimeAmount(patience)) { result.succeed(false) }
        defer { timer.cancel() }
        return (try? await result.futureResult.get()) ?? true
    }
}
