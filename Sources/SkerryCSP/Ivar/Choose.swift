// What the book calls combining deferreds. A deferred is an ivar that somebody fills: a task started with `PipeScope.deferred(_:)`,
// a callback, an event handler.

/// Waits for the first of several cells and timers. If several are ready, the first as written wins.
///
/// The losers are not cancelled: what fills them goes on, and their values can still be read.
///
/// ```swift
/// let text = try await choose {
///     answer.on { "answered \($0)" }
///     after(.seconds(1)) { "no answer yet" }
/// }
/// ```
///
/// - Throws: what the closure throws; `CancellationError`; ``TooManyWaiters``.
public func choose<Arms: SelectArm>(@SelectBuilder _ arms: () -> Arms) async throws -> Arms.Output {
    try await select(.priority, arms)
}

/// The values of both cells, when both are full.
public func both<First: Sendable, Second: Sendable>(_ first: Ivar<First>, _ second: Ivar<Second>) async throws -> (First, Second) {
    (try await first.read(), try await second.read())
}

/// The values of all cells in the order of the cells, when all are full.
public func all<Value: Sendable>(_ ivars: [Ivar<Value>]) async throws -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(ivars.count)
    for ivar in ivars { values.append(try await ivar.read()) }
    return values
}

/// The value of the cell that is full first. The others are not cancelled. With no cells it waits until it is cancelled.
public func any<Value: Sendable>(_ ivars: [Ivar<Value>]) async throws -> Value {
    try await choose {
        for ivar in ivars { ivar.on { $0 } }
    }
}
