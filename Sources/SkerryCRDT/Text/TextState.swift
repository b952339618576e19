/// A text: what happened to it, and what it says now.
struct TextState: ~Copyable, Sendable {
    var sequence = SequenceState()
    var rope = Rope()
    /// What was ever inserted, in local order.
    var content = RawArray<UInt8>()
    var marks = MarkState()

    init() {}

    /// Where the content of a unit starts.
    func contentOffset(ofUnit unit: UInt32) -> Int {
        let run = sequence.log.runs[sequence.log.run(ofUnit: unit)]
        return Int(run.content) + bytes(at: Int(run.content), scalars: Int(unit - run.unit), of: run)
    }

    /// The bytes of the first scalars of a run's content.
    private func bytes(at start: Int, scalars: Int, of run: SequenceLog.Run) -> Int {
        if scalars == 0 { return 0 }
        return UTF8Width.ofPrefix(content.base + start, scalars: scalars)
    }

    /// The UTF-8 of consecutive inserted units of one run or of runs whose content adjoins.
    func content(ofUnit unit: UInt32, count: Int) -> UnsafeBufferPointer<UInt8> {
        let start = contentOffset(ofUnit: unit)
        return UnsafeBufferPointer(start: content.base + start, count: UTF8Width.ofPrefix(content.base + start, scalars: count))
    }

    /// Applies edits to the rope.
    mutating func apply(_ range: Range<Int>, of buffer: borrowing EditBuffer) {
        for index in range {
            let edit = buffer.edits[index]
            if edit.isInsertion {
                let bytes = content(ofUnit: edit.unit, count: Int(edit.count))
                rope.insert(bytes.baseAddress!, TextMeasure(bytes.baseAddress!, count: bytes.count), at: Int(edit.position))
            } else {
                rope.delete(at: Int(edit.position), count: Int(edit.count))
            }
        }
    }
}
