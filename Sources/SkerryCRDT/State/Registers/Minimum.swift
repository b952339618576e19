/// The smallest element that anyone said, nil when nobody said one.
public struct Minimum<Element: StateElement>: DeltaState {
    public private(set) var value: Element?

    public init() {}
    public init(_ value: Element) { self.value = value }

    public static func == (left: Minimum, right: Minimum) -> Bool { left.covers(right) && right.covers(left) }

    /// Lowers the value to an element, if that is smaller; returns the delta.
    @discardableResult
    public mutating func lower(to element: Element) -> Minimum {
        let delta = Minimum(element)
        join(delta)
        return delta
    }

    public mutating func join(_ other: Minimum) {
        if !covers(other) { value = other.value }
    }

    public func covers(_ other: Minimum) -> Bool {
        guard let theirs = other.value else { return true }
        guard let value else { return false }
        return !Element.precedes(theirs, value)
    }
}

extension Minimum: StateCodable {
    public static var stateType: [UInt8] { [0x22] + Element.stateType }
    public func encode(to writer: inout StateWriter) { writer.write(optional: value) }
    public init(from reader: inout StateReader) throws(DocumentError) { value = try reader.optional() }
}
