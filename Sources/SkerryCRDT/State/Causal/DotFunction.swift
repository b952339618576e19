/// A value for each dot: the writes that no other has replaced.
public struct DotFunction<Value: StateElement>: DotStore {
    public struct Entry: Sendable, Equatable {
        public var dot: Dot
        public var value: Value

        public static func == (left: Entry, right: Entry) -> Bool { left.dot == right.dot && Value.isSame(left.value, right.value) }
    }

    /// Ascending by dot.
    public internal(set) var entries: [Entry] = []

    public init() {}

    init(_ dot: Dot, _ value: Value) { entries = [Entry(dot: dot, value: value)] }

    public var isEmpty: Bool { entries.isEmpty }

    public func insertDots(into dots: inout DotSet) { for entry in entries { dots.insert(entry.dot) } }

    public mutating func join(_ other: DotFunction, seen: DotSet, otherSeen: DotSet) {
        var result: [Entry] = []
        var left = entries[...], right = other.entries[...]
        while let dot = [left.first?.dot, right.first?.dot].compactMap(\.self).min() {
            switch (left.first?.dot == dot, right.first?.dot == dot) {
            case (true, true):
                // One dot is one write; should two replicas have used it, the larger value stands everywhere.
                let one = left.removeFirst(), two = right.removeFirst()
                result.append(Value.precedes(one.value, two.value) ? two : one)
            case (true, _):
                let one = left.removeFirst()
                if !otherSeen.contains(dot) { result.append(one) }
            default:
                let two = right.removeFirst()
                if !seen.contains(dot) { result.append(two) }
            }
        }
        entries = result
    }
}

extension DotFunction: StateCodable {
    public static var stateType: [UInt8] { [0x29] + Value.stateType }

    public func encode(to writer: inout StateWriter) {
        writer.write(count: entries.count)
        for entry in entries {
            entry.dot.origin.encode(to: &writer)
            writer.write(entry.dot.sequence)
            entry.value.encode(to: &writer)
        }
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        for _ in 0..<(try reader.count(ofAtLeast: 10)) {
            let dot = Dot(origin: try OriginID(from: &reader), sequence: try reader.uint64(below: DotSet.sequenceLimit))
            guard dot.sequence > 0, entries.last.map({ $0.dot < dot }) ?? true else { throw reader.damaged("dots are out of order") }
            entries.append(Entry(dot: dot, value: try Value(from: &reader)))
        }
    }
}
