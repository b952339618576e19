/// A version vector is a state too: what replicas have seen, joined.
extension CausalContext: DeltaState {
    public mutating func join(_ other: CausalContext) { merge(other) }
}

extension CausalContext: StateCodable {
    public static var stateType: [UInt8] { [0x27] }

    public func encode(to writer: inout StateWriter) {
        writer.write(count: dots.count)
        for dot in dots {
            dot.origin.encode(to: &writer)
            writer.write(dot.sequence)
        }
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        var dots: [Dot] = []
        for _ in 0..<(try reader.count(ofAtLeast: 9)) {
            let dot = Dot(origin: try OriginID(from: &reader), sequence: try reader.uint64())
            guard dot.sequence > 0, dots.last.map({ $0.origin < dot.origin }) ?? true else {
                throw reader.damaged("origins are out of order")
            }
            dots.append(dot)
        }
        self.init(covering: dots)
    }
}
