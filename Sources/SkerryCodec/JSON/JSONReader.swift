/// Reads ``JSON``.
@frozen
public struct JSONReader: ShapeReader, ~Copyable {
    @usableFromInline var source: ByteSource
    public let references: (any ReferenceSource)?
    @usableFromInline let unknownFields: UnknownFields
    @usableFromInline let nonFinite: JSON.NonFinite

    /// A reader of `bytes`, which must outlive it.
    @inlinable
    public init(
        _ bytes: UnsafeRawBufferPointer, options: JSON.ReadingOptions = JSON.ReadingOptions(), references: (any ReferenceSource)? = nil
    ) {
        source = ByteSource(bytes, limits: options.limits)
        self.references = references
        unknownFields = options.unknownFields
        nonFinite = options.nonFinite
    }

    /// Checks that nothing but white space follows the value.
    ///
    /// - Throws: ``ShapeError/Code/trailingBytes``.
    @inlinable
    public mutating func finish() throws(ShapeError) {
        source.skipSpace()
        try source.finish()
    }

    @inlinable public static var isPositional: Bool { false }
    @inlinable public static var escapesValues: Bool { true }
    @inlinable public var offset: Int { source.offset }
}

// MARK: - Scalars

extension JSONReader {
    public mutating func readBool() throws(ShapeError) -> Bool {
        switch try source.token() {
        case UInt8(ascii: "t"):
            try source.literal("true")
            return true
        case UInt8(ascii: "f"):
            try source.literal("false")
            return false
        default: throw source.unexpected("a bool")
        }
    }

    @inlinable
    public mutating func readInteger<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I {
        let first = try source.token()
        let start = source.offset
        let isNegative = first == UInt8(ascii: "-")
        guard isNegative || first &- UInt8(ascii: "0") < 10 else { throw source.unexpected("an integer") }
        guard let magnitude = try source.integer(isNegative: isNegative) else { throw source.numberOutOfRange(type, at: start) }
        if isNegative {
            // The least value of a signed type has a magnitude that the type itself does not hold.
            guard magnitude <= UInt64(truncatingIfNeeded: I.min.magnitude) else { throw source.numberOutOfRange(type, at: start) }
            return 0 &- I(truncatingIfNeeded: magnitude)
        }
        guard let value = I(exactly: magnitude) else { throw source.numberOutOfRange(type, at: start) }
        return value
    }

    public mutating func readDouble() throws(ShapeError) -> Double {
        let first = try source.token()
        if first == UInt8(ascii: "\""), nonFinite == .strings { return try readNonFinite() }
        return try source.double()
    }

    public mutating func readFloat() throws(ShapeError) -> Float {
        let first = try source.token()
        if first == UInt8(ascii: "\""), nonFinite == .strings { return Float(try readNonFinite()) }
        return try source.float()
    }

    private mutating func readNonFinite() throws(ShapeError) -> Double {
        let start = source.offset
        switch try source.string() {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        default: throw ShapeError(.typeMismatch, "expected a number, found a string", at: start)
        }
    }

    @inlinable @inline(__always)
    public mutating func readString() throws(ShapeError) -> String {
        guard try source.token() == UInt8(ascii: "\"") else { throw source.unexpected("a string") }
        return try source.string()
    }

    public mutating func readBytes() throws(ShapeError) -> [UInt8] {
        let first = try source.token()
        guard first == UInt8(ascii: "{") else { return try source.base64() }
        // What a `Value` wrote.
        try source.open(marked: "$bytes")
        let bytes = try source.base64()
        try source.close()
        return bytes
    }

    public mutating func readReferenceIndex() throws(ShapeError) -> UInt32 {
        guard try source.token() == UInt8(ascii: "{") else { throw source.unexpected("a reference") }
        try source.open(marked: "$ref")
        let index = try readInteger(UInt32.self)
        try source.close()
        return index
    }

    public mutating func peekKind() throws(ShapeError) -> Value.Kind {
        switch try source.token() {
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "["): return .list
        case UInt8(ascii: "{"): return source.isMarked("$bytes") ? .bytes : source.isMarked("$ref") ? .reference : .map
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return source.kindOfNumber()
        default: throw source.unexpected("a value")
        }
    }
}

// MARK: - Containers

extension JSONReader {
    @inlinable @inline(__always)
    public mutating func beginOption(isNested: Bool) throws(ShapeError) -> Bool {
        if try source.token() == UInt8(ascii: "n") {
            try source.literal("null")
            return false
        }
        guard isNested else { return true }
        guard source.load() == UInt8(ascii: "[") else { throw source.unexpected("a list of one value") }
        try source.descend()
        source.cursor += 1
        return true
    }

    @inlinable @inline(__always)
    public mutating func endOption(isNested: Bool) throws(ShapeError) {
        guard isNested else { return }
        guard try source.token() == UInt8(ascii: "]") else { throw source.syntax("a bracket that closes the value of an option") }
        source.cursor += 1
        source.ascend()
    }

    @inlinable @inline(__always)
    public mutating func beginList() throws(ShapeError) -> SequenceFrame {
        guard try source.token() == UInt8(ascii: "[") else { throw source.unexpected("a list") }
        try source.descend()
        source.cursor += 1
        return SequenceFrame(remaining: -1)
    }

    @inlinable @inline(__always)
    public mutating func nextElement(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        guard try source.separator(isFirst: frame.count == 0, close: UInt8(ascii: "]")) else { return false }
        _ = try source.elements(1)
        frame.count &+= 1
        return true
    }

    @inlinable
    public mutating func beginMap(isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        let open = isTextual ? UInt8(ascii: "{") : UInt8(ascii: "[")
        guard try source.token() == open else { throw source.unexpected(isTextual ? "an object" : "a list of pairs") }
        try source.descend()
        source.cursor += 1
        return SequenceFrame(remaining: -1, isTextual: isTextual)
    }

    @inlinable
    public mutating func nextKey(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        if !frame.isTextual, frame.count > 0 {
            guard try source.token() == UInt8(ascii: "]") else { throw source.syntax("a bracket that closes a pair") }
            source.cursor += 1
        }
        let close = frame.isTextual ? UInt8(ascii: "}") : UInt8(ascii: "]")
        guard try source.separator(isFirst: frame.count == 0, close: close) else { return false }
        _ = try source.elements(1)
        frame.count &+= 1
        if frame.isTextual {
            guard source.load() == UInt8(ascii: "\"") else { throw source.syntax("a key") }
        } else {
            guard source.load() == UInt8(ascii: "[") else { throw source.unexpected("a pair") }
            source.cursor += 1
        }
        return true
    }

    @inlinable
    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {
        if frame.isTextual {
            try source.colon()
        } else {
            guard try source.token() == UInt8(ascii: ",") else { throw source.syntax("a comma in a pair") }
            source.cursor += 1
        }
    }

    @inlinable @inline(__always)
    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        guard try source.token() == UInt8(ascii: "{") else { throw source.unexpected("an object") }
        try source.descend()
        let start = source.offset
        source.cursor += 1
        return RecordFrame(fields, offset: start)
    }

    @inlinable
    public mutating func nextField(_ frame: inout RecordFrame) throws(ShapeError) -> Int? {
        while true {
            guard try source.separator(isFirst: frame.count == 0, close: UInt8(ascii: "}")) else { return nil }
            frame.count &+= 1
            let start = source.offset
            // Fields mostly come in order and without spaces, so the key is compared where it lies.
            let expected = frame.index &+ 1
            if expected < frame.fields.count, source.take(frame.fields.keys[expected]) {
                guard frame.note(expected) else { throw frame.duplicate(expected, at: start) }
                return expected
            }
            let index = try source.key(frame.fields.keys, after: frame.index)
            if index < 0, unknownFields == .refuse { throw frame.unknown(source.keyBytes(from: start), at: start) }
            try source.colon()
            if index >= 0 {
                guard frame.note(index) else { throw frame.duplicate(index, at: start) }
                return index
            }
            try source.skipValue()
        }
    }

    @inlinable
    public mutating func beginVariant(_ cases: Cases) throws(ShapeError) -> VariantFrame {
        let isOpen = try source.token() == UInt8(ascii: "{")
        if isOpen {
            try source.descend()
            source.cursor += 1
            _ = try source.token()
        }
        guard source.load() == UInt8(ascii: "\"") else { throw source.unexpected("a case") }
        let start = source.offset
        let index = try source.key(cases.keys, after: -1)
        guard index >= 0 else { throw cases.unknown(source.keyBytes(from: start), at: start) }
        guard cases.hasPayload(index) == isOpen else { throw cases.mismatch(index, at: start) }
        if isOpen { try source.colon() }
        return VariantFrame(cases, index)
    }

    @inlinable
    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        guard frame.cases.hasPayload(frame.index) else { return }
        guard try source.token() == UInt8(ascii: "}") else { throw source.syntax("a brace that closes a case") }
        source.cursor += 1
        source.ascend()
    }
}
