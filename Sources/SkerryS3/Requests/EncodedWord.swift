import SkerryChunks

/// Text outside ASCII in header values, as RFC 2047 carries it.
///
/// S3 decodes the values of user metadata before keeping them and encodes on the way out those that ASCII cannot hold. Values that look like
/// encoded words but are none are kept as they are.
enum EncodedWord {
    /// The value to send: itself when it is printable ASCII, else one or more encoded words of UTF-8 in base64, 75 characters each at most.
    static func encode(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var words: [String] = []
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            let next = Array(String(scalar).utf8)
            // "=?UTF-8?B?" and "?=" leave 63 characters: 45 bytes. A word must not cut a character.
            if bytes.count + next.count > 45 {
                words.append(word(bytes))
                bytes = []
            }
            bytes += next
        }
        words.append(word(bytes))
        return words.joined(separator: " ")
    }

    private static func word(_ bytes: [UInt8]) -> String { "=?UTF-8?B?\(Base64.encode(bytes))?=" }

    /// The value to keep: encoded words of UTF-8, US-ASCII or ISO-8859-1 decoded when the whole value consists of them.
    static func decode(_ text: String) -> String {
        guard text.hasPrefix("=?"), text.hasSuffix("?=") else { return text }
        var decoded = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: true) {
            guard let part = decode(word: word) else { return text }
            decoded += part
        }
        return decoded
    }

    private static func decode(word: Substring) -> String? {
        let parts = word.split(separator: "?", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "=", parts[4] == "=" else { return nil }
        let bytes: [UInt8]?
        switch parts[2] {
        case "B", "b": bytes = Base64.decode(parts[3])
        case "Q", "q": bytes = quotedPrintable(parts[3])
        default: return nil
        }
        guard let bytes else { return nil }
        switch parts[1].lowercased() {
        case "utf-8", "us-ascii": return String(validating: bytes, as: UTF8.self)
        case "iso-8859-1": return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        default: return nil
        }
    }

    /// The "Q" encoding: `_` is a space, `=XX` a byte.
    private static func quotedPrintable(_ text: Substring) -> [UInt8]? {
        let encoded = text.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: " ") : $0 == UInt8(ascii: "=") ? UInt8(ascii: "%") : $0 }
        guard !text.utf8.contains(UInt8(ascii: "%")) else { return nil }
        var bytes: [UInt8] = []
        return bytes.appendPercentDecoded(encoded[...], plusIsSpace: false) == nil ? bytes : nil
    }
}
