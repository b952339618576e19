/// What is being typed, where the terminal does not keep it itself: bytes in, lines out.
struct LineEditor: Sendable {
    enum Step: Sendable, Hashable {
        /// Nothing to do but to show what is there.
        case edited
        case line(String)
        /// The end of input, on an empty line.
        case end
    }

    private var bytes: [UInt8] = []
    /// Within an escape sequence, such as that of an arrow key: which do nothing here.
    private var escape: [UInt8] = []

    /// As far as it is whole characters.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func type(_ byte: UInt8) -> Step {
        if !escape.isEmpty { return skip(byte) }
        switch byte {
        case 0x0A, 0x0D: return takeLine()
        case 0x04: return bytes.isEmpty ? .end : .edited
        case 0x08, 0x7F: removeCharacter()
        case 0x15: bytes = []
        case 0x17: removeWord()
        case 0x1B: escape = [byte]
        case 0x20..., 0x09: if bytes.count < GossipLine.lineMaximum { bytes.append(byte == 0x09 ? 0x20 : byte) }
        default: break
        }
        return .edited
    }

    private mutating func takeLine() -> Step {
        defer { bytes = [] }
        return .line(text)
    }

    private mutating func removeCharacter() {
        while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
    }

    private mutating func removeWord() {
        while bytes.last == 0x20 { bytes.removeLast() }
        while let last = bytes.last, last != 0x20 { bytes.removeLast() }
    }

    /// `ESC [`, parameters, and a final byte from `@` on; or `ESC` and one byte.
    private mutating func skip(_ byte: UInt8) -> Step {
        escape.append(byte)
        let isOpen = escape.count == 2 ? byte == 0x5B || byte == 0x4F : !(0x40...0x7E).contains(byte)
        if !isOpen || escape.count > 16 { escape = [] }
        return .edited
    }
}
