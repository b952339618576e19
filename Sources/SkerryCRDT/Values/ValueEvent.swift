/// What one event with a value says.
enum ValueEvent: Sendable, Equatable {
    /// A map's key or a register (with the empty key) takes a value, or loses it.
    case write(key: String, stamp: HybridTimestamp, value: DocumentValue?)
    /// A counter grows.
    case add(Int64)
    /// A member of a set reaches a causal length: odd is in, even is out, the largest counts.
    case member(DocumentValue, length: UInt64)
    /// An element of a list takes a value.
    case element(Dot, stamp: HybridTimestamp, value: DocumentValue)
    /// A stretch of a text is marked.
    case mark(TextMark)

    /// ```
    /// map      = key:string stamp:8 (0 | 1 value)
    /// register = stamp:8 (0 | 1 value)
    /// counter  = zigzag
    /// set      = value length:varint
    /// list     = origin:8 sequence:varint stamp:8 value        sequence from 1
    /// text     = mark, see ``TextMark/encode(to:)``
    /// ```
    func encode(for kind: ContainerKind, to writer: inout ByteWriter) {
        switch self {
        case .write(let key, let stamp, let value):
            if kind == .map { writer.write(string: key) }
            writer.write(fixed: stamp.rawValue)
            writer.write(value == nil ? 0 : 1)
            value?.encode(to: &writer)
        case .add(let amount): writer.write(varint: UInt64(bitPattern: amount << 1 ^ amount >> 63))
        case .member(let value, let length):
            value.encode(to: &writer)
            writer.write(varint: length)
        case .element(let dot, let stamp, let value):
            writer.write(fixed: dot.origin.rawValue)
            writer.write(varint: dot.sequence)
            writer.write(fixed: stamp.rawValue)
            value.encode(to: &writer)
        case .mark(let mark): mark.encode(to: &writer)
        }
    }

    /// Reads all of the bytes.
    init(_ bytes: UnsafeBufferPointer<UInt8>, for kind: ContainerKind) throws(DocumentError) {
        var reader = ByteReader(bytes)
        switch kind {
        case .map, .register:
            let key = kind == .map ? try reader.string(atMost: UpdateDecoder.keyMaximum) : ""
            let stamp = HybridTimestamp(rawValue: try reader.fixed64())
            let form = try reader.byte()
            guard form <= 1 else { throw reader.damaged("an unknown form of write") }
            self = .write(key: key, stamp: stamp, value: form == 0 ? nil : try DocumentValue(&reader))
        case .counter:
            let bits = try reader.varint()
            self = .add(Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1))
        case .set:
            let value = try DocumentValue(&reader)
            let length = try reader.varint()
            // Far above what anyone adds and removes, and far below where counting on would overflow.
            guard length > 0, length < 1 << 48 else { throw reader.damaged("a causal length is out of range") }
            self = .member(value, length: length)
        case .list:
            let origin = OriginID(rawValue: try reader.fixed64())
            let sequence = try reader.varint()
            guard sequence > 0, sequence < UInt64(EventGraph.limit) else { throw reader.damaged("a sequence is out of range") }
            let stamp = HybridTimestamp(rawValue: try reader.fixed64())
            self = .element(Dot(origin: origin, sequence: sequence), stamp: stamp, value: try DocumentValue(&reader))
        case .text: self = .mark(try TextMark(&reader))
        }
        guard reader.isAtEnd else { throw reader.damaged("a value is longer than it needs") }
    }

    var stamp: HybridTimestamp? {
        switch self {
        case .write(_, let stamp, _), .element(_, let stamp, _): stamp
        case .mark(let mark): mark.stamp
        case .add, .member: nil
        }
    }
}
