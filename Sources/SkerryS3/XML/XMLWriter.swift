/// Writes S3's answer documents straight into bytes.
///
/// Element names are `StaticString`s and text is bytes, so that a listing makes no `String` per key. Nothing is checked for balance:
/// elements are opened and closed by the code that knows the document.
///
/// - Complexity: O(n) in the bytes written; one allocation when ``init(capacity:)`` guessed well.
struct XMLWriter {
    private(set) var bytes: [UInt8] = []

    /// Starts with the declaration.
    init(capacity: Int = 1024) {
        bytes.reserveCapacity(capacity)
        put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
    }

    static let s3Namespace: StaticString = "http://s3.amazonaws.com/doc/2006-03-01/"

    /// Opens the document's element in S3's namespace.
    mutating func openRoot(_ name: StaticString) {
        put("<")
        put(name)
        put(" xmlns=\"")
        put(XMLWriter.s3Namespace)
        put("\">")
    }

    mutating func open(_ name: StaticString) {
        put("<")
        put(name)
        put(">")
    }

    mutating func close(_ name: StaticString) {
        put("</")
        put(name)
        put(">")
    }

    /// An element around text given as bytes.
    mutating func element(_ name: StaticString, bytes text: some Collection<UInt8>) {
        open(name)
        escape(text)
        close(name)
    }

    mutating func element(_ name: StaticString, _ text: String) {
        open(name)
        var text = text
        text.withUTF8 { escape($0) }
        close(name)
    }

    mutating func element(_ name: StaticString, _ flag: Bool) {
        open(name)
        put(flag ? "true" : "false")
        close(name)
    }

    mutating func element(_ name: StaticString, _ number: some BinaryInteger) {
        open(name)
        put(decimal: UInt64(number))
        close(name)
    }

    /// An element around `"…"`, the quotes escaped as S3 does.
    mutating func element(_ name: StaticString, quoted text: String) {
        open(name)
        put("&quot;")
        var text = text
        text.withUTF8 { escape($0) }
        put("&quot;")
        close(name)
    }

    /// An element around a date with milliseconds.
    mutating func element(_ name: StaticString, date milliseconds: UInt64) {
        open(name)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: S3Date.iso8601Length) { buffer in
            let count = S3Date.write(iso8601: milliseconds, into: buffer)
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[..<count]))
        }
        close(name)
    }

    /// Text that is known to need no escaping.
    mutating func put(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ text: some Sequence<UInt8>) { bytes.append(contentsOf: text) }

    /// Two lower-case digits for each byte.
    mutating func hexadecimal(_ digest: some Collection<UInt8>) {
        for byte in digest {
            bytes.append(Hex.lowerDigit(byte >> 4))
            bytes.append(Hex.lowerDigit(byte & 15))
        }
    }

    mutating func put(decimal number: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }
}

// MARK: - Escaping

extension XMLWriter {
    /// Appends text as character data.
    ///
    /// `& < > "` become entities and control characters numeric references, as S3 sends them; XML 1.0 does not allow most of the latter,
    /// which is why clients that fear them ask for `encoding-type=url`. Bytes that are no UTF-8 become U+FFFD, since no document can hold them.
    mutating func escape(_ text: some Collection<UInt8>) {
        let done: Void? = text.withContiguousStorageIfAvailable { escape($0) }
        if done == nil { Array(text).withUnsafeBufferPointer { escape($0) } }
    }

    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        var isPlain = true
        var isASCII = true
        for byte in text {
            if byte >= 0x80 { isASCII = false } else if XMLWriter.isSpecial(byte) { isPlain = false }
        }
        if !isASCII, String(validating: text, as: UTF8.self) == nil {
            Array(String(decoding: text, as: UTF8.self).utf8).withUnsafeBufferPointer { escapeRuns($0) }
        } else if isPlain {
            bytes.append(contentsOf: text)
        } else {
            escapeRuns(text)
        }
    }

    /// Copies runs of plain bytes, with the reference for each special one between them.
    private mutating func escapeRuns(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for index in text.indices where XMLWriter.isSpecial(text[index]) {
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
            putReference(text[index])
            start = index + 1
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
    }

    private mutating func putReference(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "&"): put("&amp;")
        case UInt8(ascii: "<"): put("&lt;")
        case UInt8(ascii: ">"): put("&gt;")
        case UInt8(ascii: "\""): put("&quot;")
        default:
            put("&#")
            put(decimal: UInt64(byte))
            put(";")
        }
    }

    /// A tab and a line feed survive a parser as they are; a carriage return would come out as a line feed.
    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), 0x7F: true
        case UInt8(ascii: "\t"), UInt8(ascii: "\n"): false
        default: byte < 0x20
        }
    }
}
