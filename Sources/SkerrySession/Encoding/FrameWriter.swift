/// Writes the fields of one frame in either encoding: the same calls in the same order give both.
///
/// Binary fields follow each other; text fields are the items of a JSON array. The memory is used again for each frame.
struct FrameWriter: ~Copyable {
    var bytes = ByteQueue()
    let isText: Bool
    /// In nested text arrays: whether an item came before.
    private var needsComma = false

    init(isText: Bool) { self.isText = isText }

    @inline(__always)
    mutating func begin(_ type: FrameType) {
        bytes.removeAll()
        guard isText else { return bytes.append(type.rawValue) }
        beginText(type.word)
    }

    private mutating func beginText(_ word: StaticString) {
        bytes.append(utf8: "[\"")
        bytes.append(utf8: word)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Begins a failure, which in text has a word of its own.
    mutating func beginFailure() {
        guard isText else { return begin(.return) }
        bytes.removeAll()
        beginText("error")
    }

    /// Ends the frame.
    mutating func end() {
        if isText { bytes.append(UInt8(ascii: "]")) }
    }

    @inline(__always)
    mutating func integer(_ value: UInt64) {
        guard isText else { return bytes.append(integer: value) }
        comma()
        bytes.append(decimal: value)
    }

    /// A field that binary frames leave out and text frames show as null.
    mutating func absent() {
        guard isText else { return }
        comma()
        bytes.append(utf8: "null")
    }

    /// UTF-8 text, cut at `maximum` bytes between two characters.
    mutating func text(_ value: String, maximum: Int) {
        var value = value
        value.withUTF8 { all in
            var count = min(all.count, maximum)
            if count < all.count { while count > 0, all[count] & 0xC0 == 0x80 { count -= 1 } }
            let cut = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: all[..<count]))
            if isText { quoted(cut) } else { lengthPrefixed(cut) }
        }
    }

    /// A length and bytes; hexadecimal in text.
    mutating func blob(_ value: [UInt8]) {
        value.withUnsafeBytes { if isText { hexadecimal($0) } else { lengthPrefixed($0) } }
    }

    /// Bytes whose number both sides know; hexadecimal in text.
    mutating func fixed(_ value: [UInt8]) {
        value.withUnsafeBytes { if isText { hexadecimal($0) } else { bytes.append($0) } }
    }

    /// 64 bits, most significant byte first; sixteen hexadecimal digits in text, because JavaScript's numbers are too small.
    mutating func word64(_ value: UInt64) {
        withUnsafeBytes(of: value.bigEndian) { if isText { hexadecimal($0) } else { bytes.append($0) } }
    }

    /// 128 bits.
    mutating func word128(_ high: UInt64, _ low: UInt64) {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { if isText { hexadecimal($0) } else { bytes.append($0) } }
    }

    /// The item that holds `value`; the rest of a binary frame.
    mutating func payload(_ value: UnsafeRawBufferPointer) {
        if isText {
            comma()
            if value.isEmpty { return bytes.append(utf8: "null") }
        }
        bytes.append(value)
    }

    /// Begins a list of a known length in binary, an array in text.
    mutating func beginList(count: Int) {
        guard isText else { return bytes.append(integer: UInt64(count)) }
        comma()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
    }

    mutating func endList() {
        guard isText else { return }
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func lengthPrefixed(_ value: UnsafeRawBufferPointer) {
        bytes.append(integer: UInt64(value.count))
        bytes.append(value)
    }

    private mutating func hexadecimal(_ value: UnsafeRawBufferPointer) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        for byte in value {
            bytes.append(FrameWriter.digit(byte >> 4))
            bytes.append(FrameWriter.digit(byte & 15))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func quoted(_ value: UnsafeRawBufferPointer) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        for byte in value {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                bytes.append(utf8: "\\u00")
                bytes.append(FrameWriter.digit(byte >> 4))
                bytes.append(FrameWriter.digit(byte & 15))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x61 + value - 10 }
}

// MARK: - References

extension FrameWriter {
    /// The table of references; in binary only where the flags say that there is one.
    mutating func references(_ references: [SessionReference]) {
        guard isText || !references.isEmpty else { return }
        beginList(count: references.count)
        for reference in references { self.reference(reference) }
        endList()
    }

    private mutating func reference(_ reference: SessionReference) {
        if isText {
            if reference.kind == .null && reference.promise == nil { return absent() }
            beginList(count: 0)
            bytes.append(UInt8(ascii: "\""))
            bytes.append(utf8: ReferenceTag.words[Int(reference.tag)])
            bytes.append(UInt8(ascii: "\""))
            needsComma = true
        } else {
            bytes.append(integer: reference.tag)
        }
        if let promise = reference.promise {
            integer(promise.rawValue)
            integer(UInt64(reference.promiseIndex))
        } else if reference.kind != .null {
            integer(reference.id.rawValue)
        }
        endList()
    }

    /// Whom a call is for.
    mutating func target(_ target: CallTarget) {
        switch target {
        case .reference(let id): integer(isText ? id.rawValue : id.rawValue << 1)
        case .promise(let question, let index):
            guard isText else {
                integer(question.rawValue << 1 | 1)
                return integer(UInt64(index))
            }
            beginList(count: 2)
            integer(question.rawValue)
            integer(UInt64(index))
            endList()
        }
    }
}

extension SessionReference {
    /// Its number on the wire.
    var tag: UInt64 {
        if promise != nil { return ReferenceTag.promise }
        switch kind {
        case .null: return ReferenceTag.null
        case .service: return ReferenceTag.service
        case .sender: return isRendezvous ? ReferenceTag.rendezvousSender : ReferenceTag.sender
        case .receiver: return isRendezvous ? ReferenceTag.rendezvousReceiver : ReferenceTag.receiver
        }
    }
}
