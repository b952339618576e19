/// A list with moves: a sequence of *slots*, each of which names an element.
///
/// Inserting makes an element and a slot for it. Moving makes another slot for the same element, with a stamp; the element shows in the
/// slot with the largest (stamp, dot), and its other slots are hidden. So two concurrent moves leave one element in one place, and a move
/// never touches the value. Deleting any slot of an element removes it for good: a deletion wins over a concurrent move.
///
/// The order of the slots is a ``Rope`` of five-byte names, see ``SlotName``: the rope's tree counts slots as scalars and shown slots as wide ones.
struct ListState: ~Copyable, Sendable {
    struct Slot: BitwiseCopyable, Sendable {
        var element: UInt32
        var isDeleted = false
        var stamp: HybridTimestamp
        var dot: Dot
    }

    struct Element: Sendable {
        var dot: Dot
        var value: MultiValue
        /// Where it shows.
        var slot: UInt32
        var isDeleted = false
    }

    var sequence = SequenceState()
    var log = ValueLog()
    var order = Rope()
    var slots = RawArray<Slot>()
    var elements: [Element] = []
    var elementNumbers: [Dot: UInt32] = [:]
    /// What was inserted, as items one after another; for the history, so nothing for the slots of the base.
    var content = RawArray<UInt8>()
    /// By slot: where its item starts.
    var contentOffsets = RawArray<UInt32>()

    init() {}

    /// The number of elements shown.
    var count: Int { order.total.utf16 - order.total.scalars }
}

/// The name of a slot in the order: five bytes of the shape of UTF-8, the first of which says whether the slot is shown.
enum SlotName {
    static let limit = 1 << 27

    @inline(__always)
    static func bytes(_ slot: Int, isShown: Bool) -> (UInt8, UInt8, UInt8, UInt8, UInt8) {
        (
            (isShown ? 0xF0 : 0xC0) | UInt8(slot >> 24), 0x80 | UInt8(slot >> 18 & 63), 0x80 | UInt8(slot >> 12 & 63),
            0x80 | UInt8(slot >> 6 & 63), 0x80 | UInt8(slot & 63)
        )
    }

    @inline(__always)
    static func slot(_ bytes: UnsafePointer<UInt8>) -> Int {
        Int(bytes[0] & 7) << 24 | Int(bytes[1] & 63) << 18 | Int(bytes[2] & 63) << 12 | Int(bytes[3] & 63) << 6 | Int(bytes[4] & 63)
    }

    @inline(__always)
    static func isShown(_ lead: UInt8) -> Bool { lead >= 0xF0 }
}

/// What an insertion into a list puts there.
enum ListItem: Sendable {
    case value(DocumentValue)
    case move(of: Dot, stamp: HybridTimestamp)

    /// ```
    /// item = 0 value | 1 origin:8 sequence:varint stamp:8
    /// ```
    func encode(to writer: inout ByteWriter) {
        switch self {
        case .value(let value):
            writer.write(0)
            value.encode(to: &writer)
        case .move(let dot, let stamp):
            writer.write(1)
            writer.write(fixed: dot.origin.rawValue)
            writer.write(varint: dot.sequence)
            writer.write(fixed: stamp.rawValue)
        }
    }

    init(_ reader: inout ByteReader) throws(DocumentError) {
        switch try reader.byte() {
        case 0: self = .value(try DocumentValue(&reader))
        case 1:
            let dot = Dot(origin: OriginID(rawValue: try reader.fixed64()), sequence: try reader.varint())
            guard dot.sequence > 0, dot.sequence < UInt64(EventGraph.limit) else { throw reader.damaged("a sequence is out of range") }
            self = .move(of: dot, stamp: HybridTimestamp(rawValue: try reader.fixed64()))
        default: throw reader.damaged("an unknown kind of item")
        }
    }
}
