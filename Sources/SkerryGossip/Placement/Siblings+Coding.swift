internal import SkerryCRDT

/// The bytes of docs/formats/placement.md, on the wire, in stores and below digests: equal copies have equal bytes.
extension Siblings {
    /// Equal copies have equal bytes.
    public var encoded: [UInt8] {
        var writer = PacketWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// - Throws: where the bytes break the grammar.
    public init(encoded bytes: UnsafeRawBufferPointer) throws(MalformedPacket) {
        var reader = PacketReader(bytes)
        self = try Siblings.read(from: &reader)
        guard reader.isAtEnd else { throw reader.fail(.excess) }
    }

    func write(to writer: inout PacketWriter) {
        context.write(to: &writer)
        writer.integer(versions.count)
        for version in versions {
            writer.word(version.dot.origin.rawValue)
            writer.integer(version.dot.sequence)
            writer.byte(version.value == nil ? 0 : 1)
            if let value = version.value { writer.blob(value) }
        }
    }

    static func read(from reader: inout PacketReader) throws(MalformedPacket) -> Siblings {
        let context = try CausalContext.read(from: &reader)
        var versions: [Version] = []
        for _ in 0..<(try reader.count(maximum: PlacementLimits.versionsMaximum, eachAtLeast: 10)) {
            let dot = Dot(origin: OriginID(rawValue: try reader.word()), sequence: try reader.integer())
            guard versions.last.map({ $0.dot < dot }) ?? true, dot.sequence > 0, context.covers(dot) else { throw reader.fail(.order) }
            switch try reader.byte() {
            case 0: versions.append(Version(dot: dot, value: nil))
            case 1: versions.append(Version(dot: dot, value: try reader.blob(maximum: PlacementLimits.valueBytesMaximum)))
            default: throw reader.fail(.unknown)
            }
        }
        return Siblings(versions: versions, context: context)
    }
}

extension CausalContext {
    func write(to writer: inout PacketWriter) {
        writer.integer(dots.count)
        for dot in dots {
            writer.word(dot.origin.rawValue)
            writer.integer(dot.sequence)
        }
    }

    static func read(from reader: inout PacketReader) throws(MalformedPacket) -> CausalContext {
        var dots: [Dot] = []
        for _ in 0..<(try reader.count(maximum: PlacementLimits.originsMaximum, eachAtLeast: 9)) {
            let dot = Dot(origin: OriginID(rawValue: try reader.word()), sequence: try reader.integer())
            guard dot.sequence > 0, dot.sequence < PlacementLimits.sequenceLimit else { throw reader.fail(.limit) }
            guard dots.last.map({ $0.origin < dot.origin }) ?? true else { throw reader.fail(.order) }
            dots.append(dot)
        }
        return CausalContext(covering: dots)
    }

    /// The part of it that another context covers.
    func clipped(to other: CausalContext) -> CausalContext {
        var dots: [Dot] = []
        for dot in self.dots {
            let sequence = min(dot.sequence, other.sequence(of: dot.origin))
            if sequence > 0 { dots.append(Dot(origin: dot.origin, sequence: sequence)) }
        }
        return CausalContext(covering: dots)
    }
}
