internal import NIOCore

/// The head of a frame (RFC 6455 section 5.2): 2 to 14 bytes.
struct WebSocketHeader: Equatable {
    var isFinal: Bool
    var opcode: WebSocketOpcode
    var length: Int
    /// The four bytes of the key as they stand on the wire, the first in the lowest place; nil for a frame without.
    var mask: UInt32?

    static let sizeMaximum = 14

    /// The head at the start of `bytes` and its size, nil when it is not whole.
    ///
    /// Refuses what has no meaning here whatever came before: reserved bits, unknown opcodes, lengths in longer form than needed, control frames that
    /// are long or in pieces.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(WebSocketViolation) -> (header: WebSocketHeader, size: Int)? {
        guard bytes.count >= 2 else { return nil }
        let first = bytes[0]
        let second = bytes[1]
        guard first & 0x70 == 0 else { throw WebSocketViolation("a reserved bit is set") }
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { throw WebSocketViolation("opcode \(first & 0x0F) is unknown") }
        let isFinal = first & 0x80 != 0
        let lengthSize = second & 0x7F == 127 ? 8 : second & 0x7F == 126 ? 2 : 0
        if opcode.isControl {
            guard isFinal else { throw WebSocketViolation("a control frame is in pieces") }
            guard lengthSize == 0 else { throw WebSocketViolation("a control frame is longer than 125 bytes") }
        }
        let size = 2 + lengthSize + (second & 0x80 != 0 ? 4 : 0)
        guard bytes.count >= size else { return nil }
        let length = try length(bytes, lengthSize, short: Int(second & 0x7F))
        let mask = second & 0x80 != 0 ? UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 + lengthSize, as: UInt32.self)) : nil
        return (WebSocketHeader(isFinal: isFinal, opcode: opcode, length: length, mask: mask), size)
    }

    private static func length(_ bytes: UnsafeRawBufferPointer, _ size: Int, short: Int) throws(WebSocketViolation) -> Int {
        switch size {
        case 2:
            let length = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            guard length >= 126 else { throw WebSocketViolation("a length is longer than it needs to be") }
            return length
        case 8:
            let length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard length > UInt64(UInt16.max) else { throw WebSocketViolation("a length is longer than it needs to be") }
            guard let length = Int(exactly: length) else { throw WebSocketViolation("a length has its highest bit set") }
            return length
        default:
            return short
        }
    }

    func write(into output: inout ByteBuffer) {
        output.writeInteger((isFinal ? 0x80 : 0) | opcode.rawValue)
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        if length < 126 {
            output.writeInteger(maskBit | UInt8(length))
        } else if length <= Int(UInt16.max) {
            output.writeInteger(maskBit | 126)
            output.writeInteger(UInt16(length))
        } else {
            output.writeInteger(maskBit | 127)
            output.writeInteger(UInt64(length))
        }
        if let mask { output.writeInteger(mask, endianness: .little) }
    }
}

/// A rule of RFC 6455 the peer broke, and the close code that says so.
struct WebSocketViolation: Error, Equatable {
    var closeCode: UInt16
    var linkCode: LinkError.Code
    var message: String

    init(_ message: String, closeCode: UInt16 = WebSocketCloseCode.protocolError, linkCode: LinkError.Code = .malformed) {
        self.closeCode = closeCode
        self.linkCode = linkCode
        self.message = message
    }
}
