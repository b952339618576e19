/// A set by causal length: each element counts how often it came and went, odd is in, even is out, the largest counts.
///
/// Adding an element that is in counts on by two, so an addition wins over a removal that had not seen it. One number an element and no
/// dots, but an
/// element that ever was in stays as a number. Yu and Rostad, "A Low-Cost Set CRDT Based on Causal Lengths" (2020), with that step.
public struct CausalLengthSet<Element: StateElement>: DeltaState {
    private(set) var lengths = StateMap<Element, Maximum<UInt64>>()

    /// Causal lengths stay below this.
    public static var lengthLimit: UInt64 { 1 << 48 }

    public init() {}

    /// The members, ascending.
    public var members: [Element] { lengths.entries.filter { $0.value.value! % 2 == 1 }.map(\.key) }

    /// How often the element came and went, 0 for never.
    public func length(of element: Element) -> UInt64 { lengths[element].value ?? 0 }

    public func contains(_ element: Element) -> Bool { length(of: element) % 2 == 1 }

    /// Adds an element, once more when it is in; returns the delta.
    @discardableResult
    public mutating func insert(_ element: Element) -> CausalLengthSet {
        let length = length(of: element)
        if isDefective(.addLosesToRemove), length % 2 == 1 { return CausalLengthSet() }
        return raise(element, to: length + (length % 2 == 0 ? 1 : 2))
    }

    /// Removes an element; returns the delta, the bottom when it was not in.
    @discardableResult
    public mutating func remove(_ element: Element) -> CausalLengthSet {
        let length = length(of: element)
        return length % 2 == 1 ? raise(element, to: length + 1) : CausalLengthSet()
    }

    private mutating func raise(_ element: Element, to length: UInt64) -> CausalLengthSet {
        var delta = CausalLengthSet()
        delta.lengths.join(Maximum(length), at: element)
        join(delta)
        return delta
    }

    public mutating func join(_ other: CausalLengthSet) { lengths.join(other.lengths) }

    public func covers(_ other: CausalLengthSet) -> Bool { lengths.covers(other.lengths) }
}

extension CausalLengthSet: StateCodable {
    public static var stateType: [UInt8] { [0x26] + Element.stateType }

    public func encode(to writer: inout StateWriter) {
        writer.write(count: lengths.count)
        for entry in lengths.entries {
            entry.key.encode(to: &writer)
            writer.write(entry.value.value!)
        }
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        for _ in 0..<(try reader.count(ofAtLeast: 2)) {
            let element = try Element(from: &reader), length = try reader.uint64(below: Self.lengthLimit)
            guard lengths.entries.last.map({ Element.precedes($0.key, element) }) ?? true else {
                throw reader.damaged("elements are out of order")
            }
            guard length > 0 else { throw reader.damaged("an element that never came") }
            lengths.entries.append(StateMap.Entry(key: element, value: Maximum(length)))
        }
    }
}
