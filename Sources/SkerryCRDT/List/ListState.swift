/// A list with moves: a sequence of *slots*, each of which names an element.
///
/// Inserting makes an element and a slot for it. Moving makes another slot for the same element, with a stamp; the element shows in the
/// slot with the largest (stamp, dot), and its other slots are hidden. So two concurrent moves leave one element in one place, and a move
/// never touches the value. Deleting any slot of an element removes it for good: a deletion wins over a concurrent move.
struct ListState: ~Copyable, Sendable {
    private let pin = Pin()

    /// Slots that a list makes at most, shown or not.
    static let slotMaximum = 1 << 27

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
    var order = SlotOrder()
    var slots = RawArray<Slot>()
    var elements: [Element] = []
    /// By name: the number of an element, as far as the first ``numberedCount`` go; the others are added when a name is asked for.
    private var elementNumbers: [Dot: UInt32] = [:]
    private var numberedCount = 0
    /// What was inserted, as items one after another; for the history, so nothing for the slots of the base.
    var content = RawArray<UInt8>()
    /// By slot: where its item starts.
    var contentOffsets = RawArray<UInt32>()

    init() {}

    /// The number of elements shown.
    var count: Int { order.shownCount }

    /// The number of the element with a name, nil when it is not here. Only moves and writes ask.
    mutating func number(of element: Dot) -> Int? {
        numberElements()
        return elementNumbers[element].map(Int.init)
    }

    private mutating func numberElements() {
        if numberedCount == 0 { elementNumbers.reserveCapacity(elements.count) }
        while numberedCount < elements.count {
            elementNumbers[elements[numberedCount].dot] = UInt32(numberedCount)
            numberedCount += 1
        }
    }

    /// Forgets the newest element.
    mutating func removeLastElement() {
        let element = elements.removeLast()
        if numberedCount > elements.count {
            elementNumbers[element.dot] = nil
            numberedCount = elements.count
        }
    }

    /// Forgets which number each element has.
    mutating func renumberElements() {
        elementNumbers.removeAll()
        numberedCount = 0
    }
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
