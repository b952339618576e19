extension Rope {
    /// Calls the body with the two stretches of each leaf, first to last; empty stretches are left out.
    borrowing func forEachStretch(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var leaf = firstLeaf
        while leaf != Rope.none {
            let header = leaves[Int(leaf)]
            let start = bytes(of: leaf)
            let front = Int(header.gapStart), used = Int(header.bytes)
            if front > 0 { body(UnsafeBufferPointer(start: start, count: front)) }
            if used > front {
                body(UnsafeBufferPointer(start: start + Rope.leafCapacity - (used - front), count: used - front))
            }
            leaf = header.next
        }
    }

    /// The whole text. O(n).
    var string: String {
        let count = total.bytes
        return String(unsafeUninitializedCapacity: count) { buffer in
            var filled = 0
            forEachStretch { stretch in
                (buffer.baseAddress! + filled).update(from: stretch.baseAddress!, count: stretch.count)
                filled += stretch.count
            }
            return filled
        }
    }

    /// Appends the UTF-8 of a range of scalars.
    mutating func copy(at position: Int, count: Int, to target: inout RawArray<UInt8>) {
        assert(position >= 0 && count >= 0 && position + count <= total.scalars)
        if count == 0 { return }
        seek(position)
        var leaf = cachedLeaf
        var offset = position - cachedStart
        var left = count
        while left > 0 {
            let header = leaves[Int(leaf)]
            let taken = min(left, Int(header.scalars) - offset)
            if taken > 0 {
                let from = byteOffset(in: leaf, scalars: offset), to = byteOffset(in: leaf, scalars: offset + taken)
                copyBytes(of: leaf, from: from, to: to, target: &target)
            }
            left -= taken
            offset = 0
            leaf = header.next
        }
    }

    private func copyBytes(of leaf: UInt32, from: Int, to: Int, target: inout RawArray<UInt8>) {
        let header = leaves[Int(leaf)]
        let gapStart = Int(header.gapStart), gap = Rope.leafCapacity - Int(header.bytes)
        let start = bytes(of: leaf)
        if from < gapStart {
            target.append(contentsOf: UnsafeBufferPointer(start: start + from, count: min(to, gapStart) - from))
        }
        if to > gapStart {
            let first = max(from, gapStart)
            target.append(contentsOf: UnsafeBufferPointer(start: start + first + gap, count: to - first))
        }
    }

    /// The scalar position of an offset in another unit, nil when it lies outside the text or inside a scalar. O(log n).
    mutating func scalarPosition(of offset: Int, in unit: TextUnit) -> Int? {
        guard offset >= 0, offset <= total.count(in: unit) else { return nil }
        if unit == .scalars || total.counts.x == total.counts.y { return offset }
        flush()
        var node = root
        var left = UInt32(offset)
        var scalars = 0
        for _ in 0..<height {
            let first = Int(node) * Rope.fanout
            let last = Int(branches[Int(node)].count) - 1
            var slot = 0
            while slot < last {
                let sum = sums[first + slot]
                if left <= sum[unit.lane] { break }
                left -= sum[unit.lane]
                scalars += Int(sum.y)
                slot += 1
            }
            node = links[first + slot]
        }
        guard let within = scan(node, units: Int(left), of: unit) else { return nil }
        return scalars + within.scalars
    }

    /// What lies before a scalar position. O(log n).
    mutating func measure(before position: Int) -> TextMeasure {
        assert(position >= 0 && position <= total.scalars)
        flush()
        var node = root
        var before = TextMeasure.zero
        for _ in 0..<height {
            let first = Int(node) * Rope.fanout
            let last = Int(branches[Int(node)].count) - 1
            var slot = 0
            while slot < last {
                let sum = TextMeasure(counts: sums[first + slot])
                if position <= before.scalars + sum.scalars { break }
                before = before + sum
                slot += 1
            }
            node = links[first + slot]
        }
        guard let within = scan(node, units: position - before.scalars, of: .scalars) else { return before }
        return before + within
    }

    /// What a leaf measures up to a count of units; nil when that is inside a scalar.
    private func scan(_ leaf: UInt32, units: Int, of unit: TextUnit) -> TextMeasure? {
        let header = leaves[Int(leaf)]
        let start = bytes(of: leaf)
        let gap = Rope.leafCapacity - Int(header.bytes)
        var seen = TextMeasure.zero
        var offset = 0
        func byte(_ offset: Int) -> UInt8 { start[offset < Int(header.gapStart) ? offset : offset + gap] }
        while seen.count(in: unit) < units {
            let lead = byte(offset)
            var width = 1
            while offset + width < Int(header.bytes), byte(offset + width) & 0xC0 == 0x80 { width += 1 }
            seen = seen + TextMeasure(bytes: width, scalars: 1, utf16: lead >= 0xF0 ? 2 : 1, newlines: lead == 0x0A ? 1 : 0)
            offset += width
        }
        return seen.count(in: unit) == units ? seen : nil
    }
}

extension TextMeasure {
    @inline(__always)
    func count(in unit: TextUnit) -> Int { Int(counts[unit.lane]) }
}
