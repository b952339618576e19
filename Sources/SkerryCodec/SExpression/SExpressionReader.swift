/// Reads ``SExpression``.
public struct SExpressionReader: ShapeReader, ~Copyable {
    private var source: ByteSource
    public let references: (any ReferenceSource)?
    private let refusesUnknownFields: Bool
    private var scratch: [UInt8] = []

    /// A reader of `bytes`, which must outlive it.
    ///
    /// - Parameter refusesUnknownFields: whether fields that the type does not have are an error. They are passed over otherwise.
    public init(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil,
        refusesUnknownFields: Bool = false
    ) {
        source = ByteSource(bytes, limits: limits)
        self.references = references
        self.refusesUnknownFields = refusesUnknownFields
    }

    public static var isPositional: Bool { false }
    public static var marksValues: Bool { true }
    public var offset: Int { source.offset }

    /// Checks that nothing but blanks and comments follows.
    mutating func finish() throws(ShapeError) {
        try skipBlanks()
        try source.finish()
    }

    public mutating func peekKind() throws(ShapeError) -> Value.Kind {
        preconditionFailure("values in S-expressions carry marks: atoms do not say what they are")
    }

    // MARK: Blanks and comments

    private mutating func skipBlanks() throws(ShapeError) {
        while source.available > 0 {
            switch source.load() {
            case 0x20, 0x09, 0x0A, 0x0C, 0x0D: source.cursor += 1
            case UInt8(ascii: ";"): skipLine()
            case UInt8(ascii: "#") where source.available > 1 && source.load(1) == UInt8(ascii: "|"): try skipBlock()
            case UInt8(ascii: "#") where source.available > 1 && source.load(1) == UInt8(ascii: ";"):
                source.cursor += 2
                // Comments may follow each other, so each takes a level.
                try source.descend()
                try skipExpression()
                source.ascend()
            default: return
            }
        }
    }

    private mutating func skipLine() {
        while source.available > 0, source.load() != 0x0A { source.cursor += 1 }
    }

    /// `#| … |#`, which nest.
    private mutating func skipBlock() throws(ShapeError) {
        var level = 0
        while source.available > 1 {
            switch (source.load(), source.load(1)) {
            case (UInt8(ascii: "#"), UInt8(ascii: "|")):
                level += 1
                source.cursor += 2
            case (UInt8(ascii: "|"), UInt8(ascii: "#")):
                level -= 1
                source.cursor += 2
                if level == 0 { return }
            default: source.cursor += 1
            }
        }
        throw source.truncated()
    }

    /// Passes over one expression, however deep, without recursion.
    private mutating func skipExpression() throws(ShapeError) {
        var level = 0
        repeat {
            if try isOpen() {
                try open()
                level += 1
            } else if try isClose() {
                guard level > 0 else { throw expected("an expression") }
                close()
                level -= 1
            } else {
                try withAtom { (_: UnsafeRawBufferPointer) in }
            }
        } while level > 0
    }

    // MARK: Atoms and lists

    private mutating func isNext(_ byte: UInt8) throws(ShapeError) -> Bool {
        try skipBlanks()
        guard source.available > 0 else { throw source.truncated() }
        return source.load() == byte
    }

    private mutating func isOpen() throws(ShapeError) -> Bool { try isNext(UInt8(ascii: "(")) }

    private mutating func isClose() throws(ShapeError) -> Bool { try isNext(UInt8(ascii: ")")) }

    /// - Precondition: `(` is next.
    private mutating func open() throws(ShapeError) {
        try source.descend()
        source.cursor += 1
    }

    /// - Precondition: `)` is next.
    private mutating func close() {
        source.ascend()
        source.cursor += 1
    }

    private mutating func expectOpen(_ what: StaticString) throws(ShapeError) {
        guard try isOpen() else { throw expected(what) }
        try open()
    }

    private mutating func expectClose() throws(ShapeError) {
        guard try isClose() else { throw expected("')'") }
        close()
    }

    private func expected(_ what: StaticString) -> ShapeError { ShapeError(.typeMismatch, "expected \(what)", at: source.offset) }

    /// Reads an atom; `body` gets its bytes, which are gone after it.
    private mutating func withAtom<R>(_ body: (UnsafeRawBufferPointer) throws(ShapeError) -> R) throws(ShapeError) -> R {
        if try isNext(UInt8(ascii: "\"")) {
            try unquote()
            return try SExpression.decoding(scratch, body)
        }
        let start = source.cursor
        while source.available > 0, SExpression.isAtomByte(source.load()) { source.cursor += 1 }
        let count = source.cursor - start
        guard count > 0 else { throw expected("an atom") }
        try charge(count)
        return try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    private mutating func charge(_ count: Int) throws(ShapeError) {
        guard source.bytesLeft >= count else { throw source.exceeded("strings and blobs of \(source.limits.bytes) bytes") }
        source.bytesLeft -= count
    }

    private mutating func unquote() throws(ShapeError) {
        scratch.removeAll(keepingCapacity: true)
        source.cursor += 1
        while source.available > 0 {
            let byte = source.load()
            source.cursor += 1
            switch byte {
            case UInt8(ascii: "\""): return try charge(scratch.count)
            case UInt8(ascii: "\\"): try escape()
            default: scratch.append(byte)
            }
        }
        throw source.truncated()
    }

    private mutating func escape() throws(ShapeError) {
        let byte = try source.byte()
        switch byte {
        case UInt8(ascii: "n"): scratch.append(0x0A)
        case UInt8(ascii: "r"): scratch.append(0x0D)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: " "): scratch.append(byte)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): scratch.append(try decimal(byte))
        case 0x0A: while source.available > 0, source.load() == 0x20 || source.load() == 0x09 { source.cursor += 1 }
        default: throw ShapeError(.syntax, "'\\' before a character that it does not change", at: source.offset - 1)
        }
    }

    /// The two digits behind the first of `\ddd`.
    private mutating func decimal(_ first: UInt8) throws(ShapeError) -> UInt8 {
        var value = Int(first - UInt8(ascii: "0"))
        for _ in 0..<2 {
            let digit = try source.byte()
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else {
                throw ShapeError(.syntax, "three digits follow '\\'", at: source.offset - 1)
            }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        guard let byte = UInt8(exactly: value) else { throw ShapeError(.syntax, "\(value) is no byte", at: source.offset - 3) }
        return byte
    }
}

// MARK: - Scalars

extension SExpressionReader {
    private mutating func word<R>(_ what: StaticString, _ body: (String) -> R?) throws(ShapeError) -> R {
        try skipBlanks()
        let start = offset
        return try withAtom { bytes throws(ShapeError) in
            let word = String(decoding: bytes, as: UTF8.self)
            guard let value = body(word) else {
                throw ShapeError(.typeMismatch, "expected \(what), found '\(word.prefix(64))'", at: start)
            }
            return value
        }
    }

    public mutating func readBool() throws(ShapeError) -> Bool {
        try word("true or false") { $0 == "true" ? true : $0 == "false" ? false : nil }
    }

    public mutating func readInteger<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I {
        try skipBlanks()
        let start = offset
        return try withAtom { bytes throws(ShapeError) in try NumberText.integer(bytes, type, at: start) }
    }

    public mutating func readFloat() throws(ShapeError) -> Float { try word("a number") { NumberText.floating($0, Float.init) } }

    public mutating func readDouble() throws(ShapeError) -> Double { try word("a number") { NumberText.floating($0, Double.init) } }

    public mutating func readString() throws(ShapeError) -> String {
        try skipBlanks()
        let start = offset
        return try withAtom { bytes throws(ShapeError) in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw ShapeError(.invalidText, "text is not UTF-8", at: start)
            }
            return text
        }
    }

    public mutating func readBytes() throws(ShapeError) -> [UInt8] { try word("bytes in base64") { Base64.bytes($0) } }

    public mutating func readReferenceIndex() throws(ShapeError) -> UInt32 {
        try expectOpen("a reference")
        guard try readString() == SExpression.reference else { throw expected("a reference") }
        let index = try readInteger(UInt32.self)
        try expectClose()
        return index
    }
}

// MARK: - Options, lists and maps

extension SExpressionReader {
    public mutating func beginOption(isNested: Bool) throws(ShapeError) -> Bool {
        try expectOpen("an option: () or (value)")
        guard try isClose() else { return true }
        close()
        return false
    }

    public mutating func endOption(isNested: Bool) throws(ShapeError) { try expectClose() }

    public mutating func beginList() throws(ShapeError) -> SequenceFrame {
        try expectOpen("a list")
        return SequenceFrame(remaining: -1)
    }

    public mutating func nextElement(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        if try isClose() {
            close()
            return false
        }
        _ = try source.elements(1)
        frame.count += 1
        return true
    }

    public mutating func beginMap(isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        try expectOpen("a map")
        return SequenceFrame(remaining: -1, isTextual: isTextual)
    }

    public mutating func nextKey(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        if frame.count > 0 { try expectClose() }
        guard try nextElement(&frame) else { return false }
        try expectOpen("(key value)")
        return true
    }

    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {}
}

// MARK: - Records and variants

extension SExpressionReader {
    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try expectOpen("a record")
        return RecordFrame(fields, offset: offset - 1)
    }

    /// `frame.mark` is 1 while a field is open.
    public mutating func nextField(_ frame: inout RecordFrame) throws(ShapeError) -> Int? {
        if frame.mark == 1 { try expectClose() }
        frame.mark = 0
        while try !isClose() {
            try expectOpen("(field value)")
            if let index = try fieldName(&frame) {
                frame.mark = 1
                return index
            }
            while try !isClose() { try skipExpression() }
            close()
        }
        close()
        return nil
    }

    /// The field that the next atom names; nil for one that the type does not have.
    private mutating func fieldName(_ frame: inout RecordFrame) throws(ShapeError) -> Int? {
        try skipBlanks()
        let start = offset
        let (keys, previous) = (frame.fields.keys, frame.index)
        let (index, name) = try withAtom { (bytes: UnsafeRawBufferPointer) throws(ShapeError) in
            (keys.index(of: bytes, after: previous), [UInt8](bytes.prefix(64)))
        }
        guard index >= 0 else {
            if refusesUnknownFields { throw try SExpression.decoding(name) { frame.unknown($0, at: start) } }
            return nil
        }
        guard frame.note(index) else { throw frame.duplicate(index, at: start) }
        return index
    }

    public mutating func beginVariant(_ cases: Cases) throws(ShapeError) -> VariantFrame {
        let hasPayload = try isOpen()
        if hasPayload { try open() }
        try skipBlanks()
        let start = offset
        let index = try withAtom { bytes throws(ShapeError) in
            let index = cases.keys.index(of: bytes, after: -1)
            guard index >= 0 else { throw cases.unknown(bytes, at: start) }
            guard cases.hasPayload(index) == hasPayload else { throw cases.mismatch(index, at: start) }
            return index
        }
        return VariantFrame(cases, index)
    }

    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        if frame.cases.hasPayload(frame.index) { try expectClose() }
    }
}
