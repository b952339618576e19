import HTTPTypes

// The canonical request of Signature Version 4, as S3 builds it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Task 1"):
//
//     method LF path LF query LF (name ":" value LF)* LF signed-names LF payload-hash
//
// Path and query are made anew from the decoded bytes, so that it does not matter how the client escaped them: one byte sequence has one
// canonical form. S3 encodes the path once and does not normalise it, unlike every other service.

/// The signed header names of a claim, and where each stands in the header.
struct SignedHeaders {
    /// Sorted, without duplicates.
    let names: [ArraySlice<UInt8>]
    /// For each field of the header, the position of its name in `names`; -1 for a field that is not signed.
    private let positions: [Int]
    /// The headers that must be signed and are not: `host`, and each `x-amz-*` of the request but `x-amz-content-sha256`, which takes part
    /// in the signature by itself.
    let missing: [String]

    /// - Parameter list: Names joined by `;`. S3 sorts them by itself, and so do we.
    /// - Complexity: O(names · fields), nearly all of it comparisons of lengths.
    init(_ list: ArraySlice<UInt8>, in fields: HTTPFields) {
        let names = Self.sorted(list.split(separator: UInt8(ascii: ";")))
        var positions: [Int] = []
        positions.reserveCapacity(fields.count)
        var missing = names.contains { $0.elementsEqual("host".utf8) } ? [] : ["host"]
        for field in fields {
            var name = field.name.canonicalName
            let position = name.withUTF8 { name in names.firstIndex { $0.count == name.count && $0.elementsEqual(name) } }
            positions.append(position ?? -1)
            if position == nil, name.utf8.starts(with: "x-amz-".utf8), name != "x-amz-content-sha256", !missing.contains(name) {
                missing.append(name)
            }
        }
        self.names = names
        self.positions = positions
        self.missing = missing
    }

    /// The fields called `names[position]`, in their order.
    func forEachField(at position: Int, in fields: HTTPFields, _ body: (HTTPField) -> Void) {
        for index in positions.indices where positions[index] == position { body(fields[index]) }
    }

    private static func sorted(_ names: [ArraySlice<UInt8>]) -> [ArraySlice<UInt8>] {
        if zip(names, names.dropFirst()).allSatisfy({ $0.lexicographicallyPrecedes($1) }) { return names }
        return names.sorted { $0.lexicographicallyPrecedes($1) }.reduce(into: []) { kept, name in
            if kept.last != name { kept.append(name) }
        }
    }
}

/// Builds canonical requests.
enum CanonicalRequest {
    /// - Parameters:
    ///   - payload: The last line.
    ///   - keepingEscapedSlashes: Whether `%2F` in the path stays, as a few clients sign it; S3 itself makes it a slash.
    static func bytes(
        of request: HTTPRequest, target: RequestTarget, signedHeaders: SignedHeaders, payload: ArraySlice<UInt8>,
        keepingEscapedSlashes: Bool
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(1_024)
        request.pseudoHeaderFields.method.withUnsafeBytesOfValue { text.append(contentsOf: $0) }
        text.append(newline)
        if keepingEscapedSlashes, let path = target.pathWithEscapedSlash {
            appendPath(keepingEscapedSlashes: path, to: &text)
        } else {
            text.appendPercentEncoded(target.path, keepingSlash: true)
        }
        text.append(newline)
        target.query.appendCanonical(to: &text)
        text.append(newline)
        for (position, name) in signedHeaders.names.enumerated() {
            text.append(contentsOf: name)
            text.append(UInt8(ascii: ":"))
            if name.elementsEqual("host".utf8) {
                request.hostField?.withUnsafeBytesOfValue { appendCollapsed($0, to: &text) }
            } else {
                appendValues(at: position, of: signedHeaders, in: request.headerFields, to: &text)
            }
            text.append(newline)
        }
        text.append(newline)
        for (index, name) in signedHeaders.names.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ";")) }
            text.append(contentsOf: name)
        }
        text.append(newline)
        text.append(contentsOf: payload)
        return text
    }

    private static let newline = UInt8(ascii: "\n")

    private static func appendPath(keepingEscapedSlashes path: [UInt8], to text: inout [UInt8]) {
        for (index, segment) in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).enumerated() {
            if index > 0 { text.append(UInt8(ascii: "/")) }
            var decoded: [UInt8] = []
            _ = decoded.appendPercentDecoded(segment, plusIsSpace: false)
            text.appendPercentEncoded(decoded, keepingSlash: false)
        }
    }

    /// All values of a header in their order, joined by commas, white space trimmed and collapsed; nothing when it is not there.
    private static func appendValues(at position: Int, of headers: SignedHeaders, in fields: HTTPFields, to text: inout [UInt8]) {
        var isFirst = true
        headers.forEachField(at: position, in: fields) { field in
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            field.withUnsafeBytesOfValue { appendCollapsed($0, to: &text) }
        }
    }

    private static func appendCollapsed(_ value: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        var spaceIsDue = false
        var isEmpty = true
        for byte in value {
            if byte.isWhiteSpace {
                spaceIsDue = !isEmpty
            } else {
                if spaceIsDue { text.append(UInt8(ascii: " ")) }
                text.append(byte)
                spaceIsDue = false
                isEmpty = false
            }
        }
    }
}

extension QueryItems {
    /// Appends the canonical query: every item encoded, with `=` even where there is no value, sorted by the encoded name and then by the
    /// encoded value, `X-Amz-Signature` left out.
    func appendCanonical(to text: inout [UInt8]) {
        guard !isEmpty else { return }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.count + bytes.count / 4)
        var items: [(name: Range<Int>, value: Range<Int>)] = []
        items.reserveCapacity(count)
        for item in bounds {
            let name = bytes[item.start..<item.nameEnd]
            if name.count == 15, name.elementsEqual("X-Amz-Signature".utf8) { continue }
            let start = encoded.count
            encoded.appendPercentEncoded(name, keepingSlash: false)
            let nameEnd = encoded.count
            encoded.appendPercentEncoded(bytes[item.nameEnd..<item.end], keepingSlash: false)
            items.append((start..<nameEnd, nameEnd..<encoded.count))
        }
        items.sort { first, second in
            if encoded[first.name].elementsEqual(encoded[second.name]) {
                return encoded[first.value].lexicographicallyPrecedes(encoded[second.value])
            }
            return encoded[first.name].lexicographicallyPrecedes(encoded[second.name])
        }
        for (index, item) in items.enumerated() {
            if index > 0 { text.append(UInt8(ascii: "&")) }
            text.append(contentsOf: encoded[item.name])
            text.append(UInt8(ascii: "="))
            text.append(contentsOf: encoded[item.value])
        }
    }
}
