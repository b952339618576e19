extension Base64 {
    /// The text of `bytes`.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        var sink = ByteSink(capacity: (bytes.count + 2) / 3 * 4)
        append(bytes, to: &sink)
        return sink.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of `text`, nil when it is not the one base64 of any bytes.
    static func bytes(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { decoded(UnsafeRawBufferPointer($0)) }
    }
}
