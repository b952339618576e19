/// Arms of one type whose number is known only at run time, written as a `for` loop.
@frozen
public struct SelectArray<Arm: SelectArm>: SelectArm {
    public typealias Output = Arm.Output

    /// What the arm took, and which one it was.
    @frozen
    public struct _Taken {
        @usableFromInline let position: Int
        @usableFromInline let taken: Arm._Taken

        @inlinable
        init(position: Int, taken: Arm._Taken) {
            self.position = position
            self.taken = taken
        }
    }

    @usableFromInline let arms: [Arm]

    @inlinable
    init(_ arms: [Arm]) {
        self.arms = arms
    }

    @inlinable public var _count: Int { arms.reduce(0) { $0 + $1._count } }

    @inlinable
    public var _otherwise: Int? {
        var start = 0
        for arm in arms {
            if let index = arm._otherwise { return start + index }
            start += arm._count
        }
        return nil
    }

    @inlinable
    public func _nextTurn() -> UInt32? {
        for arm in arms {
            if let turn = arm._nextTurn() { return turn }
        }
        return nil
    }

    @inlinable public var _seemsReady: Bool { arms.contains { $0._seemsReady } }

    @inlinable
    public func _spin<Arms: SelectArm>(for arms: Arms) -> Bool? {
        for arm in self.arms {
            if let isReady = arm._spin(for: arms) { return isReady }
        }
        return nil
    }

    /// Which of the arms the index falls into, and the index within it.
    @inlinable
    func locate(_ index: Int) -> (position: Int, index: Int) {
        var index = index
        for position in arms.indices {
            let count = arms[position]._count
            if index < count { return (position, index) }
            index -= count
        }
        preconditionFailure("no arm \(index)")
    }

    @inlinable
    public func _attempt(_ index: Int) -> _Taken? {
        let (position, index) = locate(index)
        return arms[position]._attempt(index).map { _Taken(position: position, taken: $0) }
    }

    @inlinable
    public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) {
        for arm in arms { arm._enroll(selection, &entries) }
    }

    @inlinable
    public func _taken(_ index: Int, _ entry: SelectEntry) -> _Taken {
        let (position, index) = locate(index)
        return _Taken(position: position, taken: arms[position]._taken(index, entry))
    }

    @inlinable
    public func _finish(_ taken: consuming _Taken) async throws -> Output {
        try await arms[taken.position]._finish(taken.taken)
    }
}

extension SelectBuilder {
    @inlinable
    public static func buildArray<Arm: SelectArm>(_ arms: [Arm]) -> SelectArray<Arm> { SelectArray(arms) }
}
