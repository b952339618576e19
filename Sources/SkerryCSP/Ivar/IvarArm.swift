/// Goes through when a cell is full; see `Ivar.on(_:)`.
public struct IvarArm<Value: Sendable, Output>: SelectArm {
    public typealias _Taken = Value

    let ivar: Ivar<Value>
    let body: (Value) async throws -> Output

    public var _count: Int { 1 }
    public var _seemsReady: Bool { ivar.isFilled }
    public func _attempt(_ index: Int) -> Value? { ivar.peek }

    public func _enroll(_ selection: Selection, _ entries: inout [SelectEntry]) {
        entries.append(IvarEntry(ivar, selection: selection, arm: entries.count))
    }

    public func _taken(_ index: Int, _ entry: SelectEntry) -> Value {
        // Full cells stay full.
        guard let value = ivar.peek else { preconditionFailure("an empty ivar won a select") }
        return value
    }

    public func _finish(_ taken: consuming Value) async throws -> Output { try await body(taken) }
}

/// Waits for a cell to be filled. The cell never empties, so that no lock of it need be held: it interrupts the select as a timer does.
private final class IvarEntry<Value: Sendable>: SelectEntry, @unchecked Sendable {
    // `registration` is written by `start` and read by `leave`, both in the task of the select; the rest is fixed.
    private let ivar: Ivar<Value>
    private let selection: Selection
    private let arm: Int
    private var registration: Ivar<Value>.Registration?

    init(_ ivar: Ivar<Value>, selection: Selection, arm: Int) {
        self.ivar = ivar
        self.selection = selection
        self.arm = arm
        super.init(channelID: nil)
    }

    override func start() {
        registration = ivar.register { [selection, arm] in selection.interrupt(as: arm) }
    }

    override func heldAttempt() -> Bool { ivar.isFilled }

    override var heldPlaces: Int {
        if case .refused = registration { 0 } else { .max }
    }

    override var waiterLimit: Int {
        if case .refused(let limit) = registration { limit } else { .max }
    }

    override func leave() {
        if case .waiting(let id) = registration { ivar.unregister(id) }
    }
}
