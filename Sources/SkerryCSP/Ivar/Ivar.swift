/// A cell that is written once and read by many: empty, then full for ever.
///
/// ```swift
/// let answer = Ivar<Int>()
/// async let doubled = answer.read() * 2
/// answer.fill(21)
/// print(try await doubled)    // 42
/// ```
///
/// Reading takes nothing away, so that a read that gives up (cancelled, or the loser of a ``choose(_:)``) disturbs nobody.
public final class Ivar<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        /// Called when it is filled, in the order they came.
        var hooks: [UInt64: @Sendable () -> Void] = [:]
        var nextHook: UInt64 = 0
    }

    private let state: Locked<State>
    private let waiterLimit: Int

    /// An empty cell.
    ///
    /// - Parameter waiterLimit: readers that may wait at one time; one more throws ``TooManyWaiters``.
    public init(waiterLimit: Int = 1_024) {
        precondition(waiterLimit > 0, "an ivar where \(waiterLimit) readers may wait")
        state = Locked(State())
        self.waiterLimit = waiterLimit
    }

    /// A full cell.
    public init(filled value: Value) {
        state = Locked(State(value: value))
        waiterLimit = 1
    }

    /// The value, if it is there.
    public var peek: Value? { state.withLock { $0.value } }

    public var isFilled: Bool { peek != nil }

    /// Fills the empty cell. To fill it twice is a mistake in the program and traps; see ``fillIfEmpty(_:)``.
    public func fill(_ value: Value) {
        precondition(fillIfEmpty(value), "an ivar of \(Value.self) was filled twice")
    }

    /// Fills the cell if it is empty. False says that it was full, and that nothing changed.
    @discardableResult
    public func fillIfEmpty(_ value: Value) -> Bool {
        let hooks: [(UInt64, @Sendable () -> Void)]? = state.withLock { state in
            guard state.value == nil else { return nil }
            state.value = value
            defer { state.hooks = [:] }
            return state.hooks.map { ($0.key, $0.value) }
        }
        guard let hooks else { return false }
        for (_, hook) in hooks.sorted(by: { $0.0 < $1.0 }) { hook() }
        return true
    }

    /// The value, waiting until there is one.
    ///
    /// - Throws: `CancellationError` when the task is cancelled while it waits; ``TooManyWaiters``.
    public func read() async throws -> Value {
        if let value = peek { return value }
        return try await select { on { $0 } }
    }

    /// An arm of a select that goes through when the cell is full.
    public func on<Output>(_ body: @escaping (Value) async throws -> Output) -> IvarArm<Value, Output> {
        IvarArm(ivar: self, body: body)
    }

    enum Registration {
        case filled
        case refused(limit: Int)
        case waiting(UInt64)
    }

    /// Keeps the hook until the cell is filled.
    func register(_ hook: @escaping @Sendable () -> Void) -> Registration {
        state.withLock { state in
            guard state.value == nil else { return .filled }
            guard state.hooks.count < waiterLimit else { return .refused(limit: waiterLimit) }
            state.nextHook += 1
            state.hooks[state.nextHook] = hook
            return .waiting(state.nextHook)
        }
    }

    /// Lets go of the hook, if it is still kept.
    func unregister(_ id: UInt64) {
        _ = state.withLock { $0.hooks.removeValue(forKey: id) }
    }
}
