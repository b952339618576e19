/// What an event does to the sequence as it stands here.
struct SequenceEdit: BitwiseCopyable, Sendable {
    /// In elements.
    var position: UInt32
    var count: UInt32
    /// The first unit whose content goes in, or ``SequenceEdit/deletion``.
    var unit: UInt32

    static let deletion = UInt32.max

    var isInsertion: Bool { unit != SequenceEdit.deletion }
}

/// Edits of one or more sequences, in order.
struct EditBuffer: ~Copyable, Sendable {
    /// The edits from `start` on belong to a container, up to where the next stretch starts.
    struct Stretch: BitwiseCopyable, Sendable {
        var container: UInt32
        var start: UInt32
    }

    private(set) var edits = RawArray<SequenceEdit>(capacity: 16)
    private(set) var stretches = RawArray<Stretch>(capacity: 4)

    init() {}

    mutating func removeAll() {
        edits.truncate(to: 0)
        stretches.truncate(to: 0)
    }

    /// Says whose edits follow.
    mutating func begin(container: UInt32) {
        if stretches.count > 0, stretches[stretches.count - 1].container == container { return }
        stretches.append(Stretch(container: container, start: UInt32(edits.count)))
    }

    func range(ofStretch index: Int) -> Range<Int> {
        Int(stretches[index].start)..<(index + 1 < stretches.count ? Int(stretches[index + 1].start) : edits.count)
    }

    /// The first edit that a new one may join.
    @inline(__always)
    private var isOpen: Bool { stretches.count > 0 ? edits.count > Int(stretches[stretches.count - 1].start) : edits.count > 0 }

    /// Adds an insertion, joined with the one before when both make one.
    @inline(__always)
    mutating func insert(at position: UInt32, count: UInt32, unit: UInt32) {
        if isOpen {
            let index = edits.count - 1
            let last = edits[index]
            if last.isInsertion, last.position + last.count == position, last.unit + last.count == unit {
                edits[index].count += count
                return
            }
        }
        edits.append(SequenceEdit(position: position, count: count, unit: unit))
    }

    /// Adds a deletion, joined with the one before when both make one.
    @inline(__always)
    mutating func delete(at position: UInt32, count: UInt32) {
        if isOpen {
            let index = edits.count - 1
            let last = edits[index]
            if !last.isInsertion, last.position == position {
                edits[index].count += count
                return
            }
            if !last.isInsertion, position + count == last.position {
                edits[index].position = position
                edits[index].count += count
                return
            }
        }
        edits.append(SequenceEdit(position: position, count: count, unit: SequenceEdit.deletion))
    }
}
