/// Reads the fields of frames in either encoding: the same calls in the same order as ``FrameWriter``'s.
///
/// Bounds are checked before anything is allocated; a fault is thrown with its offset.
struct FrameReader {
    let bytes: UnsafeRawBufferPointer
    /// The memory behind `bytes` when it is not the packet that is being received.
    let owner: [UInt8]?
    let isText: Bool
    var offset: Int
    /// Where the current binary frame ends; in text the end of the packet.
    var end: Int
    /// In nested text arrays: whether an item came before.
    private var needsComma = false

    init(_ bytes: UnsafeRawBufferPointer, owner: [UInt8]? = nil, isText: Bool) {
        self.bytes = bytes
        self.owner = owner
        self.isText = isText
        offset = 0
        end = bytes.count
    }

    func violation(_ rule: ProtocolViolation.Rule, _ detail: String) -> ProtocolViolation {
        ProtocolViolation(rule, at: offset, detail)
    }

    func malformed(_ detail: String) -> ProtocolViolation { violation(.malformedFrame, detail) }

    // MARK: Fields

    @inline(__always)
    mutating func integer() throws(ProtocolViolation) -> UInt64 {
        guard !isText else { return try natural() }
        if offset < end {
            let byte = bytes[offset]
            if byte < 0x80 {
                offset += 1
                return UInt64(byte)
            }
        }
        return try longInteger()
    }

    /// LEB128 of at most ten bytes, in as few bytes as it can be.
    private mutating func longInteger() throws(ProtocolViolation) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < end {
            let byte = bytes[offset]
            guard shift < 63 || byte <= 1 else { throw malformed("an integer of more than 64 bits") }
            value |= UInt64(byte & 0x7F) << shift
            offset += 1
            if byte < 0x80 {
                guard byte != 0 || shift == 0 else { throw malformed("an integer with a needless last byte") }
                return value
            }
            shift += 7
            guard shift <= 63 else { throw malformed("an integer of more than ten bytes") }
        }
        throw malformed("the frame ends in an integer")
    }

    private mutating func natural() throws(ProtocolViolation) -> UInt64 {
        try comma()
        var cursor = cursor
        guard let value = cursor.natural() else { throw malformed("expected a natural number below 2^53") }
        offset = cursor.offset
        return value
    }

    /// A natural number that has to fit `Int` and the bound.
    mutating func natural(below bound: Int, _ what: StaticString) throws(ProtocolViolation) -> Int {
        let value = try integer()
        guard value < UInt64(bound) else { throw malformed("\(what) of \(value), the bound is \(bound)") }
        return Int(value)
    }

    /// Passes null where it stands; only text has it.
    mutating func isAbsent() throws(ProtocolViolation) -> Bool {
        guard isText else { return false }
        var reader = self
        try reader.comma()
        var cursor = reader.cursor
        cursor.skipSpace()
        guard cursor.take(word: "null") else { return false }
        reader.offset = cursor.offset
        self = reader
        return true
    }

    mutating func text(maximum: Int) throws(ProtocolViolation) -> String {
        guard !isText else { return try quoted(maximum: maximum) }
        let piece = try lengthPrefixed(maximum: maximum)
        guard let value = String(validating: piece, as: UTF8.self) else { throw malformed("text that is not UTF-8") }
        return value
    }

    private mutating func quoted(maximum: Int) throws(ProtocolViolation) -> String {
        try comma()
        var cursor = cursor
        guard let value = cursor.string(maximum: maximum) else { throw malformed("expected a string of at most \(maximum) bytes") }
        offset = cursor.offset
        return value
    }

    mutating func blob(maximum: Int) throws(ProtocolViolation) -> [UInt8] {
        if isText { return try hexadecimal(maximum: maximum) }
        return [UInt8](try lengthPrefixed(maximum: maximum))
    }

    mutating func fixed(_ count: Int) throws(ProtocolViolation) -> [UInt8] {
        if isText {
            let value = try hexadecimal(maximum: count)
            guard value.count == count else { throw malformed("expected \(count * 2) hexadecimal digits") }
            return value
        }
        return [UInt8](try take(count))
    }

    mutating func word64() throws(ProtocolViolation) -> UInt64 {
        try fixed(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func hexadecimal(maximum: Int) throws(ProtocolViolation) -> [UInt8] {
        let digits = Array(try quoted(maximum: maximum * 2).utf8)
        var value: [UInt8] = []
        value.reserveCapacity(digits.count / 2)
        guard digits.count.isMultiple(of: 2) else { throw malformed("an odd number of hexadecimal digits") }
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = hexadecimalDigit(digits[index]), let low = hexadecimalDigit(digits[index + 1]) else {
                throw malformed("expected hexadecimal digits")
            }
            value.append(high << 4 | low)
        }
        return value
    }

    private mutating func lengthPrefixed(maximum: Int) throws(ProtocolViolation) -> UnsafeRawBufferPointer {
        let count = try integer()
        guard count <= UInt64(maximum) else { throw violation(.tooLarge, "\(count) bytes, the bound is \(maximum)") }
        return try take(Int(count))
    }

    private mutating func take(_ count: Int) throws(ProtocolViolation) -> UnsafeRawBufferPointer {
        guard count <= end - offset else { throw malformed("the frame ends within \(count) bytes") }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// The value that fills the rest of a binary frame, or the next item of a text frame.
    @inline(__always)
    mutating func payload() throws(ProtocolViolation) -> Payload {
        guard !isText else { return try textPayload() }
        let payload = Payload(owner: owner, offset: offset, count: end - offset)
        offset = end
        return payload
    }

    private mutating func textPayload() throws(ProtocolViolation) -> Payload {
        try comma()
        var cursor = cursor
        cursor.skipSpace()
        let start = cursor.offset
        try skip(&cursor)
        offset = cursor.offset
        return Payload(owner: owner, offset: start, count: offset - start)
    }

    private func skip(_ cursor: inout TextCursor) throws(ProtocolViolation) {
        guard cursor.skipValue(depth: SessionLimits.textDepth) else {
            let rule: ProtocolViolation.Rule = cursor.isTooDeep ? .tooDeep : .malformedFrame
            throw ProtocolViolation(
                rule, at: cursor.offset, cursor.isTooDeep ? "more than \(SessionLimits.textDepth) levels" : "expected a JSON value")
        }
    }

    // MARK: Lists

    /// Enters a list; returns its length in binary, and nil in text, where ``endsList()`` tells the end.
    mutating func beginList(maximum: Int, rule: ProtocolViolation.Rule) throws(ProtocolViolation) -> Int? {
        guard isText else {
            let count = try integer()
            guard count <= UInt64(maximum) else { throw violation(rule, "\(count) entries, the bound is \(maximum)") }
            return Int(count)
        }
        try comma()
        guard takeText(UInt8(ascii: "[")) else { throw malformed("expected an array") }
        needsComma = false
        return nil
    }

    /// Whether the next thing in text is the end of the array, which is passed then.
    mutating func endsList() -> Bool {
        guard isText, takeText(UInt8(ascii: "]")) else { return false }
        needsComma = true
        return true
    }

    mutating func expectEndOfList() throws(ProtocolViolation) {
        guard !isText || endsList() else { throw malformed("expected the end of an array") }
    }

    /// Whether an array is next in text.
    mutating func isAtList() throws(ProtocolViolation) -> Bool {
        var reader = self
        try reader.comma()
        return reader.takeText(UInt8(ascii: "["))
    }

    // MARK: Frames

    /// The type of the next frame in a binary packet, with the reader set to its fields.
    @inline(__always)
    mutating func beginBinaryFrame(packetEnd: Int) throws(ProtocolViolation) -> UInt8 {
        end = packetEnd
        let length = try integer()
        guard length > 0, length <= UInt64(packetEnd - offset) else {
            throw violation(.malformedPacket, "a frame of \(length) bytes, \(packetEnd - offset) are left")
        }
        end = offset + Int(length)
        offset += 1
        return bytes[offset - 1]
    }

    /// Enters the next frame of a text packet; returns its word.
    mutating func beginTextFrame() throws(ProtocolViolation) -> String {
        guard takeText(UInt8(ascii: "[")) else { throw violation(.malformedPacket, "expected a frame") }
        needsComma = false
        return try quoted(maximum: 32)
    }

    /// The current frame must be read to its end.
    @inline(__always)
    mutating func endFrame() throws(ProtocolViolation) {
        guard isText ? takeText(UInt8(ascii: "]")) : offset == end else { throw malformed("expected the end of the frame") }
    }

    mutating func takeText(_ byte: UInt8) -> Bool {
        var cursor = cursor
        guard cursor.take(byte) else { return false }
        offset = cursor.offset
        return true
    }

    private var cursor: TextCursor { TextCursor(UnsafeRawBufferPointer(rebasing: bytes[..<end]), at: offset) }

    private mutating func comma() throws(ProtocolViolation) {
        if needsComma { guard takeText(UInt8(ascii: ",")) else { throw malformed("expected another item") } }
        needsComma = true
    }
}

// MARK: - Elements

extension FrameReader {
    /// The elements of SEND, checked and measured; `charge` is told the size of each in turn.
    mutating func elements(
        references: [SessionReference], charge: (Int) throws(ProtocolViolation) -> Void
    ) throws(ProtocolViolation) -> ElementBlock {
        isText ? try textElements(references, charge) : try binaryElements(references, charge)
    }

    private mutating func binaryElements(
        _ references: [SessionReference], _ charge: (Int) throws(ProtocolViolation) -> Void
    ) throws(ProtocolViolation) -> ElementBlock {
        let start = offset
        var count = 0
        var total = 0
        while offset < end {
            let length = try integer()
            guard length <= UInt64(end - offset) else { throw malformed("an element of \(length) bytes, \(end - offset) are left") }
            try charge(Int(length))
            offset += Int(length)
            total += Int(length)
            count += 1
        }
        let payload = Payload(owner: owner, offset: start, count: end - start)
        return ElementBlock(payload: payload, isText: false, count: count, byteCount: total, references: references)
    }

    private mutating func textElements(
        _ references: [SessionReference], _ charge: (Int) throws(ProtocolViolation) -> Void
    ) throws(ProtocolViolation) -> ElementBlock {
        _ = try beginList(maximum: 0, rule: .malformedFrame)
        let start = offset
        var last = offset
        var count = 0
        var total = 0
        while !endsList() {
            let element = try textPayload()
            try charge(element.count)
            last = offset
            total += element.count
            count += 1
        }
        let payload = Payload(owner: owner, offset: start, count: last - start)
        return ElementBlock(payload: payload, isText: true, count: count, byteCount: total, references: references)
    }
}

// MARK: - References

extension FrameReader {
    /// A reference as the frame gives it, its id not yet looked at.
    struct RawReference {
        var tag: UInt64
        var id: UInt64
        var index: Int
    }

    /// The table of references, if the flags (binary) or the array (text) say that there is one.
    mutating func references(isPresent: Bool) throws(ProtocolViolation) -> [RawReference] {
        guard isText || isPresent else { return [] }
        var references: [RawReference] = []
        let count = try beginList(maximum: SessionLimits.referencesPerFrame, rule: .tooManyReferences)
        while isText ? !endsList() : references.count < count! {
            guard references.count < SessionLimits.referencesPerFrame else {
                throw violation(.tooManyReferences, "more than \(SessionLimits.referencesPerFrame) references")
            }
            references.append(try reference())
        }
        return references
    }

    private mutating func reference() throws(ProtocolViolation) -> RawReference {
        guard isText else {
            let tag = try integer()
            guard tag < UInt64(ReferenceTag.words.count) else { throw malformed("no reference has the tag \(tag)") }
            return try reference(tag: tag)
        }
        if try isAbsent() { return RawReference(tag: ReferenceTag.null, id: 0, index: 0) }
        _ = try beginList(maximum: 0, rule: .malformedFrame)
        let word = try quoted(maximum: 32)
        guard let tag = ReferenceTag.words.firstIndex(where: { $0.description == word }), tag > 0 else {
            throw malformed("no reference is called \(word)")
        }
        let reference = try reference(tag: UInt64(tag))
        try expectEndOfList()
        return reference
    }

    private mutating func reference(tag: UInt64) throws(ProtocolViolation) -> RawReference {
        guard tag != ReferenceTag.null else { return RawReference(tag: tag, id: 0, index: 0) }
        let id = try identifier()
        guard tag == ReferenceTag.promise else { return RawReference(tag: tag, id: id, index: 0) }
        return RawReference(tag: tag, id: id, index: try natural(below: SessionLimits.referencesPerFrame, "a place in a table"))
    }

    /// An id of any table.
    @inline(__always)
    mutating func identifier() throws(ProtocolViolation) -> UInt64 {
        let id = try integer()
        guard id < 1 << SessionLimits.idBits else { throw malformed("an id beyond 2^53") }
        return id
    }

    /// Whom a call is for, as the frame gives it: an id, and the place in a table where it is a promise.
    @inline(__always)
    mutating func target() throws(ProtocolViolation) -> (id: UInt64, promise: Int?) {
        guard !isText else { return try textTarget() }
        let target = try integer()
        guard target < 1 << (SessionLimits.idBits + 1) else { throw malformed("an id beyond 2^53") }
        guard target & 1 == 1 else { return (target >> 1, nil) }
        return (target >> 1, try natural(below: SessionLimits.referencesPerFrame, "a place in a table"))
    }

    private mutating func textTarget() throws(ProtocolViolation) -> (id: UInt64, promise: Int?) {
        guard try isAtList() else { return (try integer(), nil) }
        _ = try beginList(maximum: 2, rule: .malformedFrame)
        let id = try integer()
        let index = try natural(below: SessionLimits.referencesPerFrame, "a place in a table")
        try expectEndOfList()
        return (id, index)
    }
}
