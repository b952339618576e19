internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// Writes status line and fields of a reply straight into the buffer that goes to the socket.
///
/// Values cannot split the head: `HTTPField` replaces CR, LF and NUL when a value is set, whichever way it is set.
enum ReplyHead {
    struct Connection {
        var isKeptAlive: Bool
        var isHTTP10: Bool
        /// The connection leaves HTTP behind this reply.
        var isUpgraded = false
    }

    static func write(
        _ head: HTTPResponse, framing: ReplyFraming, connection: Connection, date: [UInt8], into buffer: inout ByteBuffer
    ) {
        writeStatusLine(head.status, into: &buffer)
        var hasDate = false
        let keepsLength = framing == .bodiless
        for field in head.headerFields {
            switch field.name {
            // Framing and persistence are the server's; what the service wants of them it says by its body and by `Connection: close`.
            case .connection, .transferEncoding: continue
            case .contentLength where !keepsLength && !framing.defersTo(field): continue
            case .date: hasDate = true
            default: break
            }
            write(field, into: &buffer)
        }
        writeFraming(framing, isLengthGiven: head.headerFields.contains(.contentLength), into: &buffer)
        writeConnection(connection, into: &buffer)
        if !hasDate {
            buffer.writeStaticString("Date: ")
            buffer.writeBytes(date)
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("\r\n")
    }

    private static func writeStatusLine(_ status: HTTPResponse.Status, into buffer: inout ByteBuffer) {
        switch status.code {
        case 200: buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
        case 204: buffer.writeStaticString("HTTP/1.1 204 No Content\r\n")
        case 206: buffer.writeStaticString("HTTP/1.1 206 Partial Content\r\n")
        case 304: buffer.writeStaticString("HTTP/1.1 304 Not Modified\r\n")
        case 404: buffer.writeStaticString("HTTP/1.1 404 Not Found\r\n")
        default:
            buffer.writeStaticString("HTTP/1.1 ")
            buffer.write(decimal: UInt64(status.code))
            buffer.writeStaticString(" ")
            // Clients that read the status line by its three words (botocore does) want a phrase where the service gave none.
            buffer.writeString(
                status.reasonPhrase.isEmpty ? HTTPResponseStatus(statusCode: status.code).reasonPhrase : status.reasonPhrase)
            buffer.writeStaticString("\r\n")
        }
    }

    private static func write(_ field: HTTPField, into buffer: inout ByteBuffer) {
        buffer.writeString(field.name.rawName)
        buffer.writeStaticString(": ")
        field.withUnsafeBytesOfValue { value in
            _ = buffer.writeBytes(UnsafeRawBufferPointer(value))
        }
        buffer.writeStaticString("\r\n")
    }

    private static func writeFraming(_ framing: ReplyFraming, isLengthGiven: Bool, into buffer: inout ByteBuffer) {
        switch framing {
        case .bodilessWithLength where isLengthGiven: break
        case .length(let length), .bodilessWithLength(let length):
            buffer.writeStaticString("Content-Length: ")
            buffer.write(decimal: length)
            buffer.writeStaticString("\r\n")
        case .chunked:
            buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .bodiless, .lengthForbidden, .untilClose:
            break
        }
    }

    /// Only the deviation from the default of the client's version is said (RFC 9112 section 9.3).
    private static func writeConnection(_ connection: Connection, into buffer: inout ByteBuffer) {
        if connection.isUpgraded {
            buffer.writeStaticString("Connection: Upgrade\r\n")
        } else if !connection.isKeptAlive {
            buffer.writeStaticString("Connection: close\r\n")
        } else if connection.isHTTP10 {
            buffer.writeStaticString("Connection: keep-alive\r\n")
        }
    }
}

extension ReplyFraming {
    /// Whether the service's own `Content-Length` is the one to send.
    fileprivate func defersTo(_ field: HTTPField) -> Bool {
        if case .bodilessWithLength = self { true } else { false }
    }
}

extension ByteBuffer {
    mutating func write(decimal number: UInt64) {
        if number < 10 {
            writeInteger(UInt8(ascii: "0") + UInt8(number))
        } else {
            write(decimal: number / 10)
            writeInteger(UInt8(ascii: "0") + UInt8(number % 10))
        }
    }

    /// The line before the bytes of a chunk.
    mutating func writeChunkSize(_ count: Int) {
        writeString(String(count, radix: 16))
        writeStaticString("\r\n")
    }
}

extension ReplyHead {
    /// A whole reply of the server itself: plain text, no more than its status.
    static func refusal(_ refusal: Refusal, date: [UInt8]) -> ByteBuffer {
        let text = "\(refusal.status.code) \(refusal.status.reasonPhrase)\n"
        var head = HTTPResponse(status: refusal.status)
        head.headerFields[.contentType] = "text/plain"
        var buffer = ByteBuffer()
        write(
            head, framing: .length(UInt64(text.utf8.count)), connection: .init(isKeptAlive: false, isHTTP10: false), date: date,
            into: &buffer)
        buffer.writeString(text)
        return buffer
    }
}
