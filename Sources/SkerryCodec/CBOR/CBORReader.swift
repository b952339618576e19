/// Reads ``CBOR``.
@frozen
public struct CBORReader: ShapeReader, ~Copyable {
    @usableFromInline var source: ByteSource
    public let references: (any ReferenceSource)?
    @usableFromInline let unknownFields: UnknownFields
    @usableFromInline let isDeterministic: Bool

    /// A reader of `bytes`, which must outlive it.
    @inlinable
    public init(
        _ bytes: UnsafeRawBufferPointer, options: CBOR.ReadingOptions = CBOR.ReadingOptions(), references: (any ReferenceSource)? = nil
    ) {
        source = ByteSource(bytes, limits: options.limits)
        self.references = references
        unknownFields = options.unknownFields
        isDeterministic = options.isDeterministic
    }

    /// Checks that nothing follows the value.
    ///
    /// - Throws: ``ShapeError/Code/trailingBytes``.
    @inlinable
    public func finish() throws(ShapeError) { try source.finish() }

    @inlinable public static var isPositional: Bool { false }
    @inlinable public var offset: Int { source.offset }
}

// MARK: - Heads

extension CBORReader {
    /// The argument of an indefinite length.
    @inlinable static var indefinite: UInt64 { .max }

    /// Skips tags where they mean nothing, and returns the initial byte of the item, without taking it.
    @inlinable @inline(__always)
    mutating func initial() throws(ShapeError) -> UInt8 {
        guard source.cursor < source.end else { throw source.truncated() }
        let byte = source.load()
        return byte &>> 5 == 6 ? try skipTags() : byte
    }

    @inline(never) @usableFromInline
    mutating func skipTags() throws(ShapeError) -> UInt8 {
        while true {
            guard source.cursor < source.end else { throw source.truncated() }
            let byte = source.load()
            guard byte >> 5 == 6 else { return byte }
            if isDeterministic { throw ShapeError(.typeMismatch, "expected a value without a tag", at: offset) }
            let start = source.cursor
            let tag = try argument()
            guard tag != CBOR.referenceTag else {
                source.cursor = start
                throw ShapeError(.typeMismatch, "expected a value, found a reference", at: offset)
            }
        }
    }

    /// Takes the head that is next and returns its argument; ``indefinite`` where the length is.
    @inlinable @inline(__always)
    mutating func argument() throws(ShapeError) -> UInt64 {
        let info = source.load() & 31
        if info < 24 {
            source.cursor += 1
            return UInt64(info)
        }
        return try longArgument(info)
    }

    @usableFromInline
    mutating func longArgument(_ info: UInt8) throws(ShapeError) -> UInt64 {
        let start = offset
        let major = source.load() >> 5
        source.cursor += 1
        let (value, least): (UInt64, UInt64)
        switch info {
        case 24: (value, least) = (UInt64(try source.byte()), 24)
        case 25: (value, least) = (UInt64(try source.bigEndian(UInt16.self)), 0x100)
        case 26: (value, least) = (UInt64(try source.bigEndian(UInt32.self)), 0x1_0000)
        case 27: (value, least) = (try source.bigEndian(UInt64.self), 0x1_0000_0000)
        case 31 where 2...5 ~= major:
            guard !isDeterministic else { throw ShapeError(.notCanonical, "an indefinite length", at: start) }
            return Self.indefinite
        default: throw ShapeError(.syntax, "additional information \(info) means nothing for major type \(major)", at: start)
        }
        guard value >= least || !isDeterministic else { throw ShapeError(.notCanonical, "the head could be shorter", at: start) }
        // No length can be that large, and it must not be taken for an indefinite one.
        guard value != Self.indefinite || major < 2 || major > 5 else { throw source.truncated() }
        return value
    }

    @inline(never) @usableFromInline
    func unexpected(_ expected: String) -> ShapeError {
        guard source.cursor < source.end else { return source.truncated() }
        let byte = source.load()
        let found =
            switch byte >> 5 {
            case 0, 1: "an integer"
            case 2: "bytes"
            case 3: "a string"
            case 4: "a list"
            case 5: "a map"
            case 6: "a tag"
            default:
                switch byte {
                case 0xf4, 0xf5: "a bool"
                case 0xf6: "null"
                case 0xf7: "undefined"
                case 0xf9...0xfb: "a float"
                case 0xff: "a break"
                default: "a simple value"
                }
            }
        if byte == 0xff || 0xfc...0xfe ~= byte {
            return ShapeError(.syntax, "expected \(expected), found the byte \(byte)", at: offset)
        }
        return ShapeError(.typeMismatch, "expected \(expected), found \(found)", at: offset)
    }
}

// MARK: - Scalars

extension CBORReader {
    @inlinable
    public mutating func readBool() throws(ShapeError) -> Bool {
        let byte = try initial()
        guard byte == 0xf4 || byte == 0xf5 else { throw unexpected("a bool") }
        source.cursor += 1
        return byte == 0xf5
    }

    @inlinable
    public mutating func readInteger<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I {
        let major = try initial() &>> 5
        guard major <= 1 else { throw unexpected("an integer") }
        let start = source.offset
        let argument = try argument()
        if major == 0 {
            guard let value = I(exactly: argument) else { throw source.outOfRange(argument, I.self, at: start) }
            return value
        }
        guard I.isSigned, argument <= UInt64(truncatingIfNeeded: I.max) else { throw tooNegative(argument, type, at: start) }
        return ~I(truncatingIfNeeded: argument)
    }

    @inline(never) @usableFromInline
    func tooNegative<I: FixedWidthInteger>(_ argument: UInt64, _ type: I.Type, at start: Int) -> ShapeError {
        let magnitude = argument == .max ? "18446744073709551616" : String(argument + 1)
        return ShapeError(.outOfRange, "-\(magnitude) does not fit \(I.isSigned ? "int" : "uint")\(I.bitWidth)", at: start)
    }

    public mutating func readDouble() throws(ShapeError) -> Double {
        let byte = try initial()
        let start = source.offset
        let value: Double
        switch byte {
        case 0xf9:
            source.cursor += 1
            value = CBORFloat.value(half: try source.bigEndian(UInt16.self))
        case 0xfa:
            source.cursor += 1
            value = Double(Float(bitPattern: try source.bigEndian(UInt32.self)))
        case 0xfb:
            source.cursor += 1
            value = Double(bitPattern: try source.bigEndian(UInt64.self))
        case 0..<0x40 where !isDeterministic:
            // Languages without integers of their own write whole numbers as they please.
            let argument = try argument()
            return byte < 0x20 ? Double(argument) : -1 - Double(argument)
        default: throw unexpected("a number")
        }
        if isDeterministic {
            let (head, bits) = CBORFloat.shortest(value)
            guard head == byte,
                !value.isNaN || bits == UInt64(source.start.loadUnaligned(fromByteOffset: start + 1, as: UInt16.self).bigEndian)
            else { throw ShapeError(.notCanonical, "the number could be shorter", at: start) }
        }
        return value
    }

    public mutating func readFloat() throws(ShapeError) -> Float {
        let start = offset
        let wide = try readDouble()
        let value = Float(wide)
        guard wide.isNaN || Double(value) == wide else { throw ShapeError(.outOfRange, "\(wide) does not fit float", at: start) }
        return value
    }

    @inlinable
    public mutating func readString() throws(ShapeError) -> String {
        guard try initial() &>> 5 == 3 else { throw unexpected("a string") }
        let start = source.offset
        let length = try argument()
        guard length != Self.indefinite else { return String(decoding: try chunks(major: 3, start), as: UTF8.self) }
        return try source.text(source.length(length))
    }

    @inlinable
    public mutating func readBytes() throws(ShapeError) -> [UInt8] {
        guard try initial() &>> 5 == 2 else { throw unexpected("bytes") }
        let start = source.offset
        let length = try argument()
        guard length != Self.indefinite else { return try chunks(major: 2, start) }
        return try source.blob(source.length(length))
    }

    /// The definite chunks of an indefinite string, each of them valid (RFC 8949 section 3.2.3).
    @inline(never) @usableFromInline
    mutating func chunks(major: UInt8, _ start: Int) throws(ShapeError) -> [UInt8] {
        var whole: [UInt8] = []
        while true {
            guard source.cursor < source.end else { throw source.truncated() }
            let byte = source.load()
            if byte == 0xff {
                source.cursor += 1
                return whole
            }
            guard byte >> 5 == major, byte & 31 != 31 else {
                throw ShapeError(.syntax, "a chunk is a string of definite length", at: offset)
            }
            let count = try source.length(argument())
            guard major == 2 || source.available >= count && UTF8Text.isValid(source.cursor, count) else { throw source.invalidText() }
            whole += try source.blob(count)
        }
    }

    public mutating func readReferenceIndex() throws(ShapeError) -> UInt32 {
        guard source.cursor < source.end else { throw source.truncated() }
        let start = source.cursor
        guard source.load() >> 5 == 6 else { throw unexpected("a reference") }
        guard try argument() == CBOR.referenceTag else {
            source.cursor = start
            throw unexpected("a reference")
        }
        return try readInteger(UInt32.self)
    }

    public mutating func peekKind() throws(ShapeError) -> Value.Kind {
        guard source.cursor < source.end else { throw source.truncated() }
        if source.load() >> 5 == 6, isReference() { return .reference }
        switch try initial() {
        case 0..<0x20: return isLarge() ? .unsigned : .integer
        case 0x20..<0x40: return .integer
        case 0x40..<0x60: return .bytes
        case 0x60..<0x80: return .string
        case 0x80..<0xa0: return .list
        case 0xa0..<0xc0: return .map
        case 0xf4, 0xf5: return .bool
        case 0xf6: return .null
        case 0xf7 where !isDeterministic: return .null
        case 0xf9...0xfb: return .double
        default: throw unexpected("a value")
        }
    }

    /// Whether the tag that is next is the one of references.
    private mutating func isReference() -> Bool {
        let start = source.cursor
        defer { source.cursor = start }
        return (try? argument()) == CBOR.referenceTag
    }

    /// Whether the integer that is next exceeds the signed ones.
    private func isLarge() -> Bool {
        source.load() == 0x1b && source.available >= 2 && source.load(1) >= 0x80
    }
}

// MARK: - Containers

extension CBORReader {
    @inlinable @inline(__always)
    public mutating func beginOption(isNested: Bool) throws(ShapeError) -> Bool {
        guard source.cursor < source.end else { throw source.truncated() }
        let byte = source.load()
        if byte == 0xf6 || (byte == 0xf7 && !isDeterministic) {
            source.cursor += 1
            return false
        }
        guard isNested else { return true }
        guard try initial() == 0x81 else { throw unexpected("a list of one value") }
        try source.descend()
        source.cursor += 1
        return true
    }

    @inlinable @inline(__always)
    public mutating func endOption(isNested: Bool) throws(ShapeError) {
        if isNested { source.ascend() }
    }

    @inlinable
    public mutating func beginList() throws(ShapeError) -> SequenceFrame {
        guard try initial() &>> 5 == 4 else { throw unexpected("a list") }
        return SequenceFrame(remaining: try open(bytesPerItem: 1))
    }

    /// Takes the head of a container and charges what it announces; -1 for an indefinite length.
    @inlinable
    mutating func open(bytesPerItem: UInt64) throws(ShapeError) -> Int {
        try source.descend()
        let count = try argument()
        guard count != Self.indefinite else { return -1 }
        guard count <= UInt64(truncatingIfNeeded: source.available) / bytesPerItem else { throw source.truncated() }
        return try source.elements(count)
    }

    /// Whether another item follows.
    @inlinable @inline(__always)
    mutating func next(_ remaining: inout Int) throws(ShapeError) -> Bool {
        if remaining > 0 {
            remaining &-= 1
            return true
        }
        if remaining < 0 {
            guard source.cursor < source.end else { throw source.truncated() }
            if source.load() != 0xff {
                _ = try source.elements(1)
                return true
            }
            source.cursor += 1
        }
        source.ascend()
        return false
    }

    @inlinable
    public mutating func nextElement(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        guard try next(&frame.remaining) else { return false }
        frame.count &+= 1
        return true
    }

    @inlinable
    public mutating func beginMap(isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        guard try initial() &>> 5 == 5 else { throw unexpected("a map") }
        return SequenceFrame(remaining: try open(bytesPerItem: 2), isTextual: isTextual)
    }

    @inlinable
    public mutating func nextKey(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        guard try next(&frame.remaining) else { return false }
        frame.count &+= 1
        // `mark` and `extra` hold where the key before this one begins and ends.
        if isDeterministic { try checkOrder(&frame.mark, &frame.extra, isFirst: frame.count == 1) }
        return true
    }

    @inlinable
    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {}

    /// Compares the key that is next with the one before it, and remembers it.
    @inline(never) @usableFromInline
    mutating func checkOrder(_ start: inout Int, _ end: inout Int, isFirst: Bool) throws(ShapeError) {
        let previous = UnsafeRawBufferPointer(start: source.start + start, count: end - start)
        let cursor = source.cursor
        try skipValue()
        let key = UnsafeRawBufferPointer(start: cursor, count: source.cursor - cursor)
        source.cursor = cursor
        guard isFirst || previous.lexicographicallyPrecedes(key) else {
            throw ShapeError(.notCanonical, "the keys of a map are not in ascending order", at: offset)
        }
        start = cursor - source.start
        end = start + key.count
    }

    @inlinable
    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        guard try initial() &>> 5 == 5 else { throw unexpected("a map") }
        let start = source.offset
        // `mark` counts what is still to come; `extra` holds the key before this one: its begin in the upper bits, its length in the lower.
        return RecordFrame(fields, offset: start, mark: try open(bytesPerItem: 2))
    }

    @inlinable
    public mutating func nextField(_ frame: inout RecordFrame) throws(ShapeError) -> Int? {
        while true {
            guard try next(&frame.mark) else { return nil }
            frame.count &+= 1
            let start = source.offset
            if isDeterministic { try checkOrder(&frame) }
            let index = try key(frame.fields.keys, after: frame.index)
            if index >= 0 {
                guard frame.note(index) else { throw frame.duplicate(index, at: start) }
                return index
            }
            if unknownFields == .refuse {
                throw frame.unknown(
                    UnsafeRawBufferPointer(start: source.start + start + 1, count: max(0, source.offset - start - 1)), at: start)
            }
            try skipValue()
        }
    }

    @inlinable
    mutating func checkOrder(_ frame: inout RecordFrame) throws(ShapeError) {
        var start = frame.extra &>> 32
        var end = start &+ (frame.extra & 0xffff_ffff)
        try checkOrder(&start, &end, isFirst: frame.count == 1)
        frame.extra = start &<< 32 | (end &- start)
    }

    /// Reads a key and finds it in the table; -1 when it is not there.
    @inlinable
    mutating func key(_ keys: KeyTable, after previous: Int) throws(ShapeError) -> Int {
        // In the deterministic encoding the key after `previous` is known.
        let rank = previous < 0 ? 0 : keys[previous].cborRank &+ 1
        if rank < keys.count {
            let index = keys.cborOrder[rank]
            if source.take(UnsafeRawBufferPointer(start: keys[index].cbor, count: keys[index].cborCount)) { return index }
        }
        return try anyKey(keys, after: previous)
    }

    @inline(never) @usableFromInline
    mutating func anyKey(_ keys: KeyTable, after previous: Int) throws(ShapeError) -> Int {
        guard try initial() >> 5 == 3 else { throw unexpected("the name of a field") }
        let start = source.offset
        let length = try argument()
        guard length != Self.indefinite else {
            return try chunks(major: 3, start).withUnsafeBytes { keys.index(of: $0, after: previous) }
        }
        let count = try source.length(length)
        guard UTF8Text.isValid(source.cursor, count) else { throw source.invalidText() }
        defer { source.cursor += count }
        return keys.index(of: UnsafeRawBufferPointer(start: source.cursor, count: count), after: previous)
    }

    @inlinable
    public mutating func beginVariant(_ cases: Cases) throws(ShapeError) -> VariantFrame {
        let byte = try initial()
        let isOpen = byte &>> 5 == 5
        if isOpen {
            guard byte == 0xa1 else { throw unexpected("a map of one case") }
            try source.descend()
            source.cursor += 1
        }
        let start = source.offset
        guard try initial() &>> 5 == 3 else { throw unexpected("a case") }
        let index = try anyKey(cases.keys, after: -1)
        guard index >= 0 else {
            throw cases.unknown(
                UnsafeRawBufferPointer(start: source.start + start + 1, count: max(0, source.offset - start - 1)), at: start)
        }
        guard cases.hasPayload(index) == isOpen else { throw cases.mismatch(index, at: start) }
        return VariantFrame(cases, index)
    }

    @inlinable
    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        if frame.cases.hasPayload(frame.index) { source.ascend() }
    }
}

// MARK: - Values nobody asked for

extension CBORReader {
    /// Moves over one data item of any kind and checks its grammar.
    @inline(never) @usableFromInline
    mutating func skipValue() throws(ShapeError) {
        guard source.cursor < source.end else { throw source.truncated() }
        let byte = source.load()
        switch byte >> 5 {
        case 0, 1: _ = try argument()
        case 2, 3: try skipString(major: byte >> 5)
        case 4: try skipItems(1)
        case 5: try skipItems(2)
        case 6:
            try source.descend()
            _ = try argument()
            try skipValue()
            source.ascend()
        default: try skipSimple(byte)
        }
    }

    private mutating func skipString(major: UInt8) throws(ShapeError) {
        let start = offset
        let length = try argument()
        if length == Self.indefinite {
            _ = try chunks(major: major, start)
        } else {
            let count = try source.length(length)
            guard major == 2 || UTF8Text.isValid(source.cursor, count) else { throw source.invalidText() }
            source.cursor += count
        }
    }

    private mutating func skipItems(_ perElement: Int) throws(ShapeError) {
        try source.descend()
        let count = try argument()
        var remaining = count == Self.indefinite ? -1 : try source.length(count)
        var previous: UnsafeRawBufferPointer?
        while true {
            if remaining == 0 { break }
            if remaining < 0 {
                guard source.cursor < source.end else { throw source.truncated() }
                if source.load() == 0xff {
                    source.cursor += 1
                    break
                }
            } else {
                remaining -= 1
            }
            let start = source.cursor
            try skipValue()
            guard perElement == 2 else { continue }
            let key = UnsafeRawBufferPointer(start: start, count: source.cursor - start)
            guard !isDeterministic || previous.map({ $0.lexicographicallyPrecedes(key) }) ?? true else {
                throw ShapeError(.notCanonical, "the keys of a map are not in ascending order", at: start - source.start)
            }
            previous = key
            try skipValue()
        }
        source.ascend()
    }

    private mutating func skipSimple(_ byte: UInt8) throws(ShapeError) {
        switch byte {
        case 0xe0...0xf7: source.cursor += 1
        case 0xf8:
            source.cursor += 1
            // Simple values below 32 have a head of one byte (RFC 8949 section 3.3).
            guard try source.byte() >= 32 else { throw ShapeError(.syntax, "a simple value below 32 takes one byte", at: offset - 2) }
        case 0xf9...0xfb: _ = try readDouble()
        default: throw unexpected("a value")
        }
    }
}

extension ByteSource {
    /// Takes `expected` when exactly that is next.
    @inlinable @inline(__always)
    mutating func take(_ expected: UnsafeRawBufferPointer) -> Bool {
        guard available >= expected.count else { return false }
        for index in 0..<expected.count where load(index) != expected[index] { return false }
        cursor += expected.count
        return true
    }
}
