/// Receives from a channel; see `Receiver.on(_:)`.
@frozen
public struct ReceiveArm<Element: Sendable, Output>: SelectArm {
    public typealias _Taken = Element?

    /// A body that does not await is called without the switch of executor that may follow an await.
    @usableFromInline
    @frozen
    enum Body {
        case prompt((Element?) throws -> Output)
        case awaiting((Element?) async throws -> Output)
    }

    @usableFromInline let core: ChannelCore<Element>
    @usableFromInline let body: Body

    @inlinable @inline(__always)
    init(_ core: ChannelCore<Element>, _ body: Body) {
        self.core = core
        self.body = body
    }

    @inlinable public var _count: Int { 1 }
    @inlinable @inline(__always) public func _nextTurn() -> UInt32? { core.nextTurn() }
    @inlinable @inline(__always) public var _seemsReady: Bool { core.seemsReadable }

    @inlinable
    public func _spin<Arms: SelectArm>(for arms: Arms) -> Bool? {
        core.receiveSpin.spin { arms._seemsReady }
    }

    @inlinable @inline(__always)
    public func _attempt(_ index: Int) -> _Taken? {
        guard core.seemsReadable else { return nil }
        if let element = core.receiveQuickly() { return .some(element) }
        switch core.receiveAtOnce() {
        case .element(let element): return .some(element)
        case .empty: return nil
        case .closed: return .some(nil)
        }
    }

    @inlinable
    public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) {
        entries.append(ChannelEntry(core, sending: nil, selection: selection, arm: entries.count))
    }

    @inlinable
    public func _taken(_ index: Int, _ entry: SelectEntry) -> _Taken {
        unsafeDowncast(entry, to: ChannelEntry<Element>.self).waiter.element.take()
    }

    @inlinable @inline(__always)
    public func _finishPromptly(_ taken: _Taken) throws -> Output? {
        guard case .prompt(let body) = body else { return nil }
        if let taken { return try body(taken) }
        return try body(core.endOfElements())
    }

    @inlinable @inline(__always)
    public func _finish(_ taken: consuming _Taken) async throws -> Output {
        let element = if let taken { Element?(taken) } else { try core.endOfElements() }
        switch body {
        case .prompt(let body): return try body(element)
        case .awaiting(let body): return try await body(element)
        }
    }
}

/// Sends to a channel; see `Sender.onSend(_:_:)`.
@frozen
public struct SendArm<Element: Sendable, Output>: SelectArm {
    @frozen
    public enum _Taken: Sendable {
        case sent
        case closed
        case failed(any Error)
    }

    /// A body that does not await is called without the switch of executor that may follow an await.
    @usableFromInline
    @frozen
    enum Body {
        case prompt(() throws -> Output)
        case awaiting(() async throws -> Output)
    }

    @usableFromInline let core: ChannelCore<Element>
    @usableFromInline let element: Element
    @usableFromInline let body: Body

    @inlinable @inline(__always)
    init(_ core: ChannelCore<Element>, _ element: Element, _ body: Body) {
        self.core = core
        self.element = element
        self.body = body
    }

    @inlinable public var _count: Int { 1 }
    @inlinable @inline(__always) public func _nextTurn() -> UInt32? { core.nextTurn() }
    @inlinable @inline(__always) public var _seemsReady: Bool { core.seemsWritable }

    @inlinable
    public func _spin<Arms: SelectArm>(for arms: Arms) -> Bool? {
        core.sendSpin.spin { arms._seemsReady }
    }

    @inlinable @inline(__always)
    public func _attempt(_ index: Int) -> _Taken? {
        guard core.seemsWritable else { return nil }
        if core.sendQuickly(element) { return .sent }
        switch core.sendAtOnce(element) {
        case .done: return .sent
        case .full: return nil
        case .closed: return .closed
        }
    }

    @inlinable
    public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) {
        entries.append(ChannelEntry(core, sending: element, selection: selection, arm: entries.count))
    }

    @inlinable
    public func _taken(_ index: Int, _ entry: SelectEntry) -> _Taken {
        let waiter = unsafeDowncast(entry, to: ChannelEntry<Element>.self).waiter
        if let error = waiter.error { return .failed(error) }
        return waiter.outcome == .closed ? .closed : .sent
    }

    @inlinable @inline(__always)
    func check(_ taken: _Taken) throws {
        switch taken {
        case .sent: break
        case .closed: throw core.closedError()
        case .failed(let error): throw error
        }
    }

    @inlinable @inline(__always)
    public func _finishPromptly(_ taken: _Taken) throws -> Output? {
        guard case .prompt(let body) = body else { return nil }
        try check(taken)
        return try body()
    }

    @inlinable @inline(__always)
    public func _finish(_ taken: consuming _Taken) async throws -> Output {
        try check(taken)
        switch body {
        case .prompt(let body): return try body()
        case .awaiting(let body): return try await body()
        }
    }
}

/// Goes through when a time has passed; see ``after(_:on:_:)``.
@frozen
public struct TimerArm<Output>: SelectArm {
    public typealias _Taken = Void

    @usableFromInline let duration: Duration
    @usableFromInline let timers: any TimerService
    @usableFromInline let body: () async throws -> Output

    @inlinable
    init(_ duration: Duration, _ timers: any TimerService, _ body: @escaping () async throws -> Output) {
        self.duration = duration
        self.timers = timers
        self.body = body
    }

    @inlinable public var _count: Int { 1 }
    @inlinable public func _attempt(_ index: Int) -> Void? { nil }

    @inlinable
    public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) {
        entries.append(TimerEntry(timers, duration, selection: selection, arm: entries.count))
    }

    @inlinable public func _taken(_ index: Int, _ entry: SelectEntry) {}
    @inlinable public func _finish(_ taken: consuming Void) async throws -> Output { try await body() }
}

/// Goes through when no other arm can; see ``otherwise(_:)``.
@frozen
public struct OtherwiseArm<Output>: SelectArm {
    public typealias _Taken = Void

    @usableFromInline let body: () async throws -> Output

    @inlinable
    init(_ body: @escaping () async throws -> Output) {
        self.body = body
    }

    @inlinable public var _count: Int { 1 }
    @inlinable public var _otherwise: Int? { 0 }
    @inlinable public func _attempt(_ index: Int) -> Void? { nil }
    @inlinable public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) { entries.append(SelectEntry(channelID: nil)) }
    @inlinable public func _taken(_ index: Int, _ entry: SelectEntry) {}
    @inlinable public func _finish(_ taken: consuming Void) async throws -> Output { try await body() }
}

// MARK: - What one writes

extension Receiver {
    /// An arm of a select that receives: `body` gets the next element, or nil when the channel is closed and empty.
    ///
    /// A closed channel is always ready, so leave its arm out in the next round: `if isOpen { receiver.on { } }`. If the channel was closed
    /// throwing an error, the select throws it.
    @inlinable @inline(__always)
    public func on<Output>(_ body: @escaping (Element?) async throws -> Output) -> ReceiveArm<Element, Output> {
        ReceiveArm(core, .awaiting(body))
    }

    /// As the other `on`, with a body that does not await, which is quicker.
    @inlinable @inline(__always)
    public func on<Output>(_ body: @escaping (Element?) throws -> Output) -> ReceiveArm<Element, Output> {
        ReceiveArm(core, .prompt(body))
    }
}

extension Sender {
    /// An arm of a select that sends `element`; `body` is called when it was sent. If the channel is closed, the select throws ``ChannelClosed``.
    @inlinable @inline(__always)
    public func onSend<Output>(_ element: Element, _ body: @escaping () async throws -> Output) -> SendArm<Element, Output> {
        SendArm(core, element, .awaiting(body))
    }

    /// As the other `onSend`, with a body that does not await, which is quicker.
    @inlinable @inline(__always)
    public func onSend<Output>(_ element: Element, _ body: @escaping () throws -> Output) -> SendArm<Element, Output> {
        SendArm(core, element, .prompt(body))
    }
}

/// An arm of a select that goes through when it has waited for `duration`.
///
/// - Parameter timers: whose time counts.
@inlinable
public func after<Output>(
    _ duration: Duration, on timers: any TimerService = .continuous, _ body: @escaping () async throws -> Output
) -> TimerArm<Output> {
    TimerArm(duration, timers, body)
}

/// An arm of a select that goes through at once when no other arm is ready. With it, a select never waits.
@inlinable
public func otherwise<Output>(_ body: @escaping () async throws -> Output) -> OtherwiseArm<Output> {
    OtherwiseArm(body)
}
