/// The largest element that anyone said, nil when nobody said one.
public struct Maximum<Element: StateElement>: DeltaState {
    public private(set) var value: Element?

    public init() {}
    public init(_ value: Element) { self.value = value }

    public static func == (left: Maximum, right: Maximum) -> Bool { left.covers(right) && right.covers(left) }

    /// Raises the value to an element, if that is larger; returns the delta.
    @discardableResult
    public mutating func raise(to element: Element) -> Maximum {
        let delta = Maximum(element)
        join(delta)
        return delta
    }

    public mutating func join(_ other: Maximum) {
        if !covers(other) { value = other.value }
    }

    public func covers(_ other: Maximum) -> Bool {
        guard let theirs = other.value else { return true }
        guard let value else { return false }
        return !Element.precedes(value, theirs)
    }
}

extension Maximum: StateCodable {
    public static var stateType: [UInt8] { [0x21] + Element.stateType }
    public func encode(to writer: inout StateWriter) { writer.write(optional: value) }
    public init(from reader: inout StateReader) throws(DocumentError) { value = try reader.optional() }
}

extension StateWriter {
    /// 0, or 1 and the element.
    mutating func write<Element: StateElement>(optional element: Element?) {
        write(element == nil ? 0 as UInt8 : 1)
        element?.encode(to: &self)
    }
}

extension StateReader {
    mutating func optional<Element: StateElement>() throws(DocumentError) -> Element? {
        switch try byte() {
        case 0: nil
        case 1: try Element(from: &self)
        default: throw damaged("neither here nor absent")
        }
    }
}
