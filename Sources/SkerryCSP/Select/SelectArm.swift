/// One alternative of a select, or several of them. Made by `Receiver.on`, `Sender.onSend`, ``after(_:on:_:)`` and ``otherwise(_:)``; not to
/// be conformed to elsewhere.
///
/// The requirements are generic and static so that a select compiles into the code that one would write by hand: no boxes, no allocation
/// unless it has to wait.
public protocol SelectArm<Output> {
    /// What the closures return.
    associatedtype Output
    /// What an arm that went through took along, until its closure gets it.
    associatedtype _Taken

    /// Arms herein.
    var _count: Int { get }
    /// Index of the arm that goes through when no other can.
    var _otherwise: Int? { get }
    /// A random number, from the channel of the first arm that has one.
    func _nextTurn() -> UInt32?
    /// Something may be ready, at a moment of the recent past.
    var _seemsReady: Bool { get }
    /// Watches for that for a moment.
    func _spin<Arms: SelectArm>(for arms: Arms) -> Bool?

    /// Lets the arm through if that needs no waiting.
    func _attempt(_ index: Int) -> _Taken?
    /// Adds what the arms wait with.
    func _enroll(_ selection: Selection, _ entries: inout [SelectEntry])
    /// What the arm took that won while waiting.
    func _taken(_ index: Int, _ entry: SelectEntry) -> _Taken
    /// Calls the closure of the arm that went through if it does not await; nil if it does. Kept apart from `_finish`, since in a function
    /// without an await on its path no executor is switched to.
    func _finishPromptly(_ taken: _Taken) throws -> Output?
    /// Calls the closure of the arm that went through.
    func _finish(_ taken: consuming _Taken) async throws -> Output
}

extension SelectArm {
    @inlinable public var _otherwise: Int? { nil }
    @inlinable public func _nextTurn() -> UInt32? { nil }
    @inlinable public var _seemsReady: Bool { false }
    @inlinable public func _spin<Arms: SelectArm>(for arms: Arms) -> Bool? { nil }
    @inlinable public func _finishPromptly(_ taken: _Taken) throws -> Output? { nil }
}

/// Several arms, in the order they were written.
@frozen
public struct SelectPair<First: SelectArm, Second: SelectArm>: SelectArm where First.Output == Second.Output {
    public typealias Output = First.Output

    @frozen
    public enum _Taken {
        case first(First._Taken)
        case second(Second._Taken)
    }

    @usableFromInline let first: First
    @usableFromInline let second: Second

    @inlinable
    init(_ first: First, _ second: Second) {
        self.first = first
        self.second = second
    }

    @inlinable public var _count: Int { first._count + second._count }
    @inlinable public var _otherwise: Int? { first._otherwise ?? second._otherwise.map { $0 + first._count } }
    @inlinable public func _nextTurn() -> UInt32? { first._nextTurn() ?? second._nextTurn() }
    @inlinable public var _seemsReady: Bool { first._seemsReady || second._seemsReady }

    @inlinable
    public func _spin<Arms: SelectArm>(for arms: Arms) -> Bool? {
        first._spin(for: arms) ?? second._spin(for: arms)
    }

    @inlinable @inline(__always)
    public func _attempt(_ index: Int) -> _Taken? {
        if index < first._count { return first._attempt(index).map { .first($0) } }
        return second._attempt(index - first._count).map { .second($0) }
    }

    @inlinable
    public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) {
        first._enroll(selection, &entries)
        second._enroll(selection, &entries)
    }

    @inlinable
    public func _taken(_ index: Int, _ entry: SelectEntry) -> _Taken {
        index < first._count ? .first(first._taken(index, entry)) : .second(second._taken(index - first._count, entry))
    }

    @inlinable @inline(__always)
    public func _finishPromptly(_ taken: _Taken) throws -> Output? {
        switch taken {
        case .first(let taken): try first._finishPromptly(taken)
        case .second(let taken): try second._finishPromptly(taken)
        }
    }

    @inlinable @inline(__always)
    public func _finish(_ taken: consuming _Taken) async throws -> Output {
        switch consume taken {
        case .first(let taken): try await first._finish(taken)
        case .second(let taken): try await second._finish(taken)
        }
    }
}

/// An arm behind a condition that was written as `if`: none when it does not hold.
@frozen
public struct SelectOptional<Arm: SelectArm>: SelectArm {
    public typealias Output = Arm.Output
    public typealias _Taken = Arm._Taken

    @usableFromInline let arm: Arm?

    @inlinable
    init(_ arm: Arm?) {
        self.arm = arm
    }

    @inlinable public var _count: Int { arm?._count ?? 0 }
    @inlinable public var _otherwise: Int? { arm?._otherwise }
    @inlinable public func _nextTurn() -> UInt32? { arm?._nextTurn() }
    @inlinable public var _seemsReady: Bool { arm?._seemsReady ?? false }
    @inlinable public func _spin<Arms: SelectArm>(for arms: Arms) -> Bool? { arm?._spin(for: arms) }
    @inlinable @inline(__always) public func _attempt(_ index: Int) -> _Taken? { arm?._attempt(index) }
    @inlinable public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) { arm?._enroll(selection, &entries) }
    @inlinable public func _taken(_ index: Int, _ entry: SelectEntry) -> _Taken { arm!._taken(index, entry) }
    @inlinable @inline(__always) public func _finishPromptly(_ taken: _Taken) throws -> Output? { try arm!._finishPromptly(taken) }
    @inlinable @inline(__always) public func _finish(_ taken: consuming _Taken) async throws -> Output { try await arm!._finish(taken) }
}

/// One of two sorts of arms, written as `if` and `else`.
@frozen
public enum SelectEither<First: SelectArm, Second: SelectArm>: SelectArm where First.Output == Second.Output {
    case first(First)
    case second(Second)

    public typealias Output = First.Output
    public typealias _Taken = SelectPair<First, Second>._Taken

    @inlinable
    public var _count: Int {
        switch self {
        case .first(let arm): arm._count
        case .second(let arm): arm._count
        }
    }

    @inlinable
    public var _otherwise: Int? {
        switch self {
        case .first(let arm): arm._otherwise
        case .second(let arm): arm._otherwise
        }
    }

    @inlinable
    public func _nextTurn() -> UInt32? {
        switch self {
        case .first(let arm): arm._nextTurn()
        case .second(let arm): arm._nextTurn()
        }
    }

    @inlinable
    public var _seemsReady: Bool {
        switch self {
        case .first(let arm): arm._seemsReady
        case .second(let arm): arm._seemsReady
        }
    }

    @inlinable
    public func _spin<Arms: SelectArm>(for arms: Arms) -> Bool? {
        switch self {
        case .first(let arm): arm._spin(for: arms)
        case .second(let arm): arm._spin(for: arms)
        }
    }

    @inlinable
    public func _attempt(_ index: Int) -> _Taken? {
        switch self {
        case .first(let arm): arm._attempt(index).map { .first($0) }
        case .second(let arm): arm._attempt(index).map { .second($0) }
        }
    }

    @inlinable
    public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) {
        switch self {
        case .first(let arm): arm._enroll(selection, &entries)
        case .second(let arm): arm._enroll(selection, &entries)
        }
    }

    @inlinable
    public func _taken(_ index: Int, _ entry: SelectEntry) -> _Taken {
        switch self {
        case .first(let arm): .first(arm._taken(index, entry))
        case .second(let arm): .second(arm._taken(index, entry))
        }
    }

    @inlinable
    public func _finish(_ taken: consuming _Taken) async throws -> Output {
        switch (self, consume taken) {
        case (.first(let arm), .first(let taken)): try await arm._finish(taken)
        case (.second(let arm), .second(let taken)): try await arm._finish(taken)
        default: preconditionFailure("an arm of the other branch went through")
        }
    }
}

/// Collects the arms of a select.
@resultBuilder
public enum SelectBuilder {
    @inlinable
    public static func buildPartialBlock<Arm: SelectArm>(first: Arm) -> Arm { first }

    @inlinable
    public static func buildPartialBlock<First: SelectArm, Second: SelectArm>(accumulated: First, next: Second) -> SelectPair<First, Second>
    {
        SelectPair(accumulated, next)
    }

    @inlinable
    public static func buildOptional<Arm: SelectArm>(_ arm: Arm?) -> SelectOptional<Arm> { SelectOptional(arm) }

    @inlinable
    public static func buildEither<First: SelectArm, Second: SelectArm>(first: First) -> SelectEither<First, Second> { .first(first) }

    @inlinable
    public static func buildEither<First: SelectArm, Second: SelectArm>(second: Second) -> SelectEither<First, Second> { .second(second) }
}
