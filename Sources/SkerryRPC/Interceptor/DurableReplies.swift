import SkerryCSP
public import SkerrySession

/// Where the replies of durable calls are kept over restarts. In memory they last as long as the process.
public protocol ReplyStore: Sendable {
    /// Keeps a record; when it returns, a restart finds the record again.
    func keep(_ record: ReplyCache.Record) async throws
}

/// Answers repetitions of durable calls from what was answered before, so that a call acts once however often it is made.
///
/// One for a node, shared by its sessions. With a ``ReplyStore`` it holds over restarts: give the records back to ``restore(_:)``. A
/// reply with references is not remembered, for they would not outlive their session.
public final class DurableReplies: Sendable {
    private struct State: Sendable {
        var cache: ReplyCache
        /// Repetitions that came while the call was under way.
        var waiting: [ReplyCache.Key: [UnsafeContinuation<Void, Never>]] = [:]
    }

    private let state: Locked<State>
    private let store: (any ReplyStore)?
    /// Milliseconds of a clock that goes on over restarts.
    private let wallClock: @Sendable () -> Int64

    /// - Parameters:
    ///   - store: keeps replies over restarts, nil when the life of the process is enough.
    ///   - wallClock: milliseconds since 1970, or of any clock that goes on over restarts.
    public init(cache: ReplyCache = ReplyCache(), store: (any ReplyStore)? = nil, wallClock: (@Sendable () -> Int64)? = nil) {
        state = Locked(State(cache: cache))
        self.store = store
        self.wallClock = wallClock ?? Self.systemWallClock
    }

    /// Puts back what a store kept.
    public func restore(_ records: [ReplyCache.Record]) {
        let now = wallClock()
        state.withLock { $0.cache.restore(records, now: now) }
    }

    /// Replies remembered and calls under way.
    public var count: Int { state.withLock { $0.cache.count } }

    private static let systemWallClock: @Sendable () -> Int64 = {
        // SuspendingClock and ContinuousClock begin with the machine; only the calendar goes on over restarts.
        calendarMilliseconds()
    }

    /// Performs the call unless it was performed before. Calls without an identifier are just performed.
    func once(
        _ invocation: Invocation, from caller: [UInt8], _ body: @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        guard let request = invocation.requestID else { return try await body(invocation) }
        let key = ReplyCache.Key(caller: caller, request: request)
        while true {
            let now = wallClock()
            switch state.withLock({ $0.cache.begin(key, now: now) }) {
            case .execute: return try await execute(key, invocation, body)
            case .replay(let reply): return try Self.payload(reply)
            case .full: throw CallError(.overloaded, "too many durable calls are under way")
            case .running: await earlierAttempt(key)
            }
            if Task.isCancelled { throw CallError(.cancelled, "called off while an earlier attempt was under way", maybeExecuted: true) }
        }
    }

    private func execute(
        _ key: ReplyCache.Key, _ invocation: Invocation, _ body: @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        let result: Result<ServicePayload, any Error>
        do {
            result = .success(try await body(invocation))
        } catch {
            result = .failure(error)
        }
        let record = finish(key, Self.reply(result))
        if let record, let store { try await store.keep(record) }
        return try result.get()
    }

    private func finish(_ key: ReplyCache.Key, _ reply: ReplyCache.Reply?) -> ReplyCache.Record? {
        let now = wallClock()
        let (record, waiting) = state.withLock { state in
            var record: ReplyCache.Record?
            if let reply { record = state.cache.complete(key, reply: reply, now: now) } else { state.cache.abandon(key) }
            return (record, state.waiting.removeValue(forKey: key) ?? [])
        }
        for continuation in waiting { continuation.resume() }
        return record
    }

    private func earlierAttempt(_ key: ReplyCache.Key) async {
        await withUnsafeContinuation { continuation in
            let now = wallClock()
            let mustWait = state.withLock { state in
                guard case .running = state.cache.begin(key, now: now) else {
                    // It ended in between, and may have to be executed after all: that is decided in the next round.
                    state.cache.abandon(key)
                    return false
                }
                state.waiting[key, default: []].append(continuation)
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }

    /// What is remembered of a result; nil when the call was not executed, or may be repeated.
    private static func reply(_ result: Result<ServicePayload, any Error>) -> ReplyCache.Reply? {
        switch result {
        case .success(let payload):
            guard payload.references.isEmpty else { return nil }
            return ReplyCache.Reply(format: payload.format, payload: payload.bytes)
        case .failure(let failure as DeclaredFailure):
            return ReplyCache.Reply(
                failure: CallFailure(.typed, failure.name), format: failure.payload.format, payload: failure.payload.bytes)
        case .failure(let error as CallError):
            return error.maybeExecuted ? ReplyCache.Reply(failure: error.failure, format: .none, payload: []) : nil
        case .failure:
            return nil
        }
    }

    private static func payload(_ reply: ReplyCache.Reply) throws -> ServicePayload {
        let payload = ServicePayload(format: reply.format, bytes: reply.payload)
        guard let failure = reply.failure else { return payload }
        if failure.code == .typed { throw DeclaredFailure(name: failure.message, payload: payload) }
        throw CallError(failure, payload)
    }
}
