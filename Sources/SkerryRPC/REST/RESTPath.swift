/// Paths and queries of requests, decoded.
enum RESTPath {
    /// The segments of a route or prefix.
    static func segments(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

    /// The decoded segments and the decoded query of a request's path.
    static func split(_ target: String) -> (path: [String], query: [(key: String, value: String)]) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        // Empty segments are kept but for the first and a last: `/a//b` is not `/a/b`.
        var path = parts[0].split(separator: "/", omittingEmptySubsequences: false).map { decode($0, plusIsSpace: false) }
        if path.first == "" { path.removeFirst() }
        if path.last == "" { path.removeLast() }
        guard parts.count == 2 else { return (path, []) }
        let query = parts[1].split(separator: "&").map { pair -> (key: String, value: String) in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decode(sides[0], plusIsSpace: true), sides.count == 2 ? decode(sides[1], plusIsSpace: true) : "")
        }
        return (path, query)
    }

    /// Percent-decoding; what is no escape stays as it is, and bytes that are not UTF-8 become replacement characters.
    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let escape = Hexadecimal.bytes(String(decoding: rest.prefix(2), as: UTF8.self)), escape.count == 1
            {
                bytes.append(escape[0])
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
