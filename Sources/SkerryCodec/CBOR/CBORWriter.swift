/// Writes ``CBOR`` in the deterministic encoding.
///
/// Entries of records and maps are written as they come and put into the order of their keys when the container ends, if they were not in
/// it already.
@frozen
public struct CBORWriter: ShapeWriter, ~Copyable {
    @usableFromInline var sink: ByteSink
    @usableFromInline var depthLeft: Int
    public let references: (any ReferenceSink)?
    @usableFromInline let limits: EncodingLimits
    /// Entries of the open records and maps, innermost last.
    @usableFromInline var entries: [Entry] = []

    /// An entry that was written.
    @frozen
    @usableFromInline
    struct Entry {
        /// Where its key begins.
        @usableFromInline let start: Int
        /// In a record, the rank of the key; in a map, where the value begins.
        @usableFromInline var order: Int
        /// Where it ends.
        @usableFromInline var end = 0

        @inlinable
        init(start: Int, order: Int) {
            self.start = start
            self.order = order
        }
    }

    /// A writer that appends to `sink`.
    @inlinable
    public init(_ sink: consuming ByteSink = ByteSink(), references: (any ReferenceSink)? = nil, limits: EncodingLimits = .standard) {
        self.sink = sink
        self.references = references
        self.limits = limits
        depthLeft = limits.depth
    }

    /// Ends the writer and returns the sink.
    @inlinable
    public consuming func finish() -> ByteSink { sink }

    @inlinable public static var isPositional: Bool { false }

    @inlinable @inline(__always)
    mutating func descend() throws(ShapeError) {
        guard depthLeft > 0 else { throw limits.exceeded() }
        depthLeft &-= 1
    }

    @inlinable @inline(__always)
    mutating func ascend() { depthLeft &+= 1 }

    /// Appends major type and argument in the shortest form.
    @inlinable @inline(__always)
    mutating func head(_ major: UInt8, _ argument: UInt64) {
        if argument < 24 {
            sink.append(major &<< 5 | UInt8(truncatingIfNeeded: argument))
        } else {
            longHead(major &<< 5, argument)
        }
    }

    @usableFromInline
    mutating func longHead(_ top: UInt8, _ argument: UInt64) {
        switch argument {
        case 0...0xff:
            sink.append(top | 24)
            sink.append(UInt8(truncatingIfNeeded: argument))
        case 0...0xffff:
            sink.append(top | 25)
            sink.append(bigEndian: UInt16(truncatingIfNeeded: argument))
        case 0...0xffff_ffff:
            sink.append(top | 26)
            sink.append(bigEndian: UInt32(truncatingIfNeeded: argument))
        default:
            sink.append(top | 27)
            sink.append(bigEndian: argument)
        }
    }
}

// MARK: - Scalars

extension CBORWriter {
    @inlinable @inline(__always)
    public mutating func write(_ value: Bool) throws(ShapeError) { sink.append(value ? 0xf5 : 0xf4) }

    @inlinable @inline(__always)
    public mutating func writeNil() throws(ShapeError) { sink.append(0xf6) }

    @inlinable @inline(__always)
    public mutating func write<I: FixedWidthInteger>(integer value: I) throws(ShapeError) {
        if I.isSigned, value < 0 {
            head(1, UInt64(truncatingIfNeeded: ~value))
        } else {
            head(0, UInt64(truncatingIfNeeded: value))
        }
    }

    public mutating func write(_ value: Float) throws(ShapeError) { try write(Double(value)) }

    public mutating func write(_ value: Double) throws(ShapeError) {
        let (head, bits) = CBORFloat.shortest(value)
        sink.append(head)
        switch head {
        case 0xf9: sink.append(bigEndian: UInt16(truncatingIfNeeded: bits))
        case 0xfa: sink.append(bigEndian: UInt32(truncatingIfNeeded: bits))
        default: sink.append(bigEndian: bits)
        }
    }

    @inlinable @inline(__always)
    public mutating func write(_ value: String) throws(ShapeError) {
        var value = value
        value.withUTF8 { utf8 in
            head(3, UInt64(truncatingIfNeeded: utf8.count))
            sink.append(UnsafeRawBufferPointer(utf8))
        }
    }

    @inlinable
    public mutating func write(bytes: UnsafeRawBufferPointer) throws(ShapeError) {
        head(2, UInt64(truncatingIfNeeded: bytes.count))
        sink.append(bytes)
    }

    public mutating func write(referenceIndex: UInt32) throws(ShapeError) {
        head(6, CBOR.referenceTag)
        head(0, UInt64(referenceIndex))
    }
}

// MARK: - Containers

extension CBORWriter {
    @inlinable @inline(__always)
    public mutating func beginSome(isNested: Bool) throws(ShapeError) {
        guard isNested else { return }
        try descend()
        head(4, 1)
    }

    @inlinable @inline(__always)
    public mutating func endSome(isNested: Bool) throws(ShapeError) {
        if isNested { ascend() }
    }

    @inlinable @inline(__always)
    public mutating func beginList(count: Int) throws(ShapeError) -> SequenceFrame {
        try descend()
        head(4, UInt64(truncatingIfNeeded: count))
        return SequenceFrame(remaining: count)
    }

    @inlinable @inline(__always)
    public mutating func beginElement(_ frame: inout SequenceFrame) throws(ShapeError) { frame.count &+= 1 }

    @inlinable @inline(__always)
    public mutating func endElement(_ frame: inout SequenceFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func endList(_ frame: inout SequenceFrame) throws(ShapeError) { ascend() }

    @inlinable
    public mutating func beginMap(count: Int, isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        try descend()
        head(5, UInt64(truncatingIfNeeded: count))
        return SequenceFrame(remaining: count, isTextual: isTextual, mark: entries.count)
    }

    @inlinable
    public mutating func beginKey(_ frame: inout SequenceFrame) throws(ShapeError) {
        frame.count &+= 1
        entries.append(Entry(start: sink.length, order: 0))
    }

    @inlinable
    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {
        entries[entries.count &- 1].order = sink.length
    }

    @inlinable
    public mutating func endEntry(_ frame: inout SequenceFrame) throws(ShapeError) { entries[entries.count &- 1].end = sink.length }

    @inlinable
    public mutating func endMap(_ frame: inout SequenceFrame) throws(ShapeError) {
        ascend()
        try sortMap(from: frame.mark)
    }

    @inlinable @inline(__always)
    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try descend()
        let start = sink.length
        // How many fields there will be is known at the end: the head is written for all of them, and corrected then.
        head(5, UInt64(truncatingIfNeeded: fields.count))
        return RecordFrame(fields, offset: start, mark: entries.count)
    }

    @inlinable @inline(__always)
    public mutating func beginField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {
        let key = frame.fields.keys[index]
        if key.cborRank < frame.index { frame.extra = 1 }
        frame.index = key.cborRank
        frame.count &+= 1
        entries.append(Entry(start: sink.length, order: key.cborRank))
        sink.append(key.cbor, key.cborCount)
    }

    @inlinable @inline(__always)
    public mutating func endField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {
        entries[entries.count &- 1].end = sink.length
    }

    @inlinable @inline(__always)
    public mutating func endRecord(_ frame: inout RecordFrame) throws(ShapeError) {
        ascend()
        if frame.extra != 0 { sortRecord(from: frame.mark) }
        entries.removeLast(entries.count &- frame.mark)
        if frame.count != frame.fields.count { correctHead(at: frame.offset, from: frame.fields.count, to: frame.count) }
    }

    @inlinable @inline(__always)
    public mutating func beginVariant(_ index: Int, of cases: Cases) throws(ShapeError) -> VariantFrame {
        let key = cases.keys[index]
        if key.hasPayload {
            try descend()
            head(5, 1)
        }
        sink.append(key.cbor, key.cborCount)
        return VariantFrame(cases, index)
    }

    @inlinable @inline(__always)
    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        if frame.cases.hasPayload(frame.index) { ascend() }
    }
}

// MARK: - Order

extension CBORWriter {
    /// Writes the count into the head of a record that left fields out.
    @inline(never) @usableFromInline
    mutating func correctHead(at start: Int, from expected: Int, to count: Int) {
        // Counts up to 23 stand in the head itself, those up to 128 in the byte after it.
        if expected < 24 {
            sink.base.storeBytes(of: 5 << 5 | UInt8(truncatingIfNeeded: count), toByteOffset: start, as: UInt8.self)
        } else if count >= 24 {
            sink.base.storeBytes(of: UInt8(truncatingIfNeeded: count), toByteOffset: start + 1, as: UInt8.self)
        } else {
            sink.base.storeBytes(of: 5 << 5 | UInt8(truncatingIfNeeded: count), toByteOffset: start, as: UInt8.self)
            (sink.base + start + 1).copyMemory(from: sink.base + start + 2, byteCount: sink.length - start - 2)
            sink.length -= 1
        }
    }

    /// Puts the entries since `first` into the order of their ranks. Records are short: insertion sort.
    @inline(never) @usableFromInline
    mutating func sortRecord(from first: Int) {
        let start = entries[first].start
        for index in (first + 1)..<entries.count {
            let entry = entries[index]
            var place = index
            while place > first, entries[place - 1].order > entry.order {
                entries[place] = entries[place - 1]
                place -= 1
            }
            entries[place] = entry
        }
        rearrange(first, start)
    }

    /// Puts the entries since `first` into the order of their keys, and forgets them.
    @inline(never) @usableFromInline
    mutating func sortMap(from first: Int) throws(ShapeError) {
        defer { entries.removeLast(entries.count - first) }
        guard entries.count - first > 1 else { return }
        let start = entries[first].start
        let base = UnsafeRawPointer(sink.base)
        func precedes(_ a: Entry, _ b: Entry) -> Bool {
            let (a, b) = (
                UnsafeRawBufferPointer(start: base + a.start, count: a.order - a.start),
                UnsafeRawBufferPointer(start: base + b.start, count: b.order - b.start)
            )
            return a.lexicographicallyPrecedes(b)
        }
        func areSorted(_ entries: ArraySlice<Entry>) -> Bool { zip(entries, entries.dropFirst()).allSatisfy(precedes) }
        if areSorted(entries[first...]) { return }
        entries[first...].sort(by: precedes)
        guard areSorted(entries[first...]) else { throw ShapeError(.duplicateField, "a key of the map stands there twice") }
        rearrange(first, start)
    }

    /// Moves the bytes of the entries since `first`, which begin at `start`, so that they follow each other: in order behind the end, and
    /// from there back.
    private mutating func rearrange(_ first: Int, _ start: Int) {
        let end = sink.length
        sink.reserve(end - start)
        for entry in entries[first...] { sink.append(sink.base + entry.start, entry.end - entry.start) }
        (sink.base + start).copyMemory(from: sink.base + end, byteCount: end - start)
        sink.length = end
    }
}
