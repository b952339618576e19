/// A text: what happened to it, and what it says now.
struct TextState: ~Copyable, Sendable {
    private let pin = Pin()

    var sequence = SequenceState()
    var rope = Rope()
    /// What was ever inserted, in local order.
    var content = RawArray<UInt8>()
    var marks = MarkState()

    init() {}

    /// Where the content of a unit starts.
    func contentOffset(ofUnit unit: UInt32) -> Int { contentOffset(ofUnit: unit, run: sequence.log.run(ofUnit: unit)) }

    /// Where the content of a unit of a run starts. O(1) in ASCII; else O(n) in the distance to the nearer end of the run, so that
    /// somebody who
    /// types on and on is followed letter by letter without counting the letters again.
    private func contentOffset(ofUnit unit: UInt32, run index: Int) -> Int {
        let run = sequence.log.runs[index]
        let start = Int(run.content), skipped = Int(unit - run.unit)
        if skipped == 0 { return start }
        guard let end = contentEnd(ofRun: index) else { return start + UTF8Width.ofPrefix(content.base + start, scalars: skipped) }
        if end - start == run.count { return start + skipped }
        let left = Int(run.count) - skipped
        if left < skipped { return end - UTF8Width.ofSuffix(content.base + end, scalars: left) }
        return start + UTF8Width.ofPrefix(content.base + start, scalars: skipped)
    }

    /// Where the content of a run ends, nil when that is not to be seen nearby.
    private func contentEnd(ofRun index: Int) -> Int? {
        for next in index + 1..<index + 9 {
            if next >= sequence.log.runs.count { return content.count }
            if sequence.log.runs[next].kind == .insertion { return Int(sequence.log.runs[next].content) }
        }
        return nil
    }

    /// The UTF-8 of consecutive inserted units of one run or of runs whose content adjoins.
    func content(ofUnit unit: UInt32, count: Int) -> UnsafeBufferPointer<UInt8> {
        let start = contentOffset(ofUnit: unit)
        return UnsafeBufferPointer(start: content.base + start, count: UTF8Width.ofPrefix(content.base + start, scalars: count))
    }

    /// The UTF-8 of a piece of a run of insertions.
    func content(of piece: SequenceLog.Piece, run index: Int) -> UnsafeBufferPointer<UInt8> {
        let start = contentOffset(ofUnit: piece.unit, run: index)
        return UnsafeBufferPointer(start: content.base + start, count: UTF8Width.ofPrefix(content.base + start, scalars: Int(piece.count)))
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
