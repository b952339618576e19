/// Attributes written in comments, for modules that do not build the macros: `// @Shape` means to the printer what `@Shape` means to
/// the compiler.
///
/// The comment stands on a line of its own and begins with one of ours: `// @Idempotent @GET("/succ/{number}")`.
package enum CommentedAttributes {
    /// Every attribute of the generator.
    package static let names: Set<String> = [
        "Shape", "Key", "Default", "Via", "Omitted", "Attribute", "Text", "Flattened", "Element", "Namespace",
        "Service", "Wire", "OneWay", "Idempotent", "Durable", "ReadOnly", "Offload", "Serial", "Until",
        "GET", "POST", "PUT", "DELETE", "PATCH",
    ]

    /// `source` with the slashes of such comments replaced by spaces, so that the parser sees attributes. Every other byte keeps its
    /// place, so lines and columns hold for the original.
    package static func revealed(_ source: String) -> String {
        var bytes = Array(source.utf8)
        forEach(in: bytes) { slashes in
            bytes[slashes] = UInt8(ascii: " ")
            bytes[slashes + 1] = UInt8(ascii: " ")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether `source` marks a type or protocol for the printer.
    package static func mark(_ source: String) -> Bool {
        let bytes = Array(source.utf8)
        var found = false
        forEach(in: bytes) { slashes in
            let name = attribute(in: bytes, at: slashes)
            if name == "Shape" || name == "Service" { found = true }
        }
        return found
    }

    /// Calls `body` with the place of the slashes of each comment that holds attributes of ours.
    private static func forEach(in bytes: [UInt8], _ body: (Int) -> Void) {
        var lineStart = 0
        while lineStart < bytes.count {
            var place = lineStart
            while place < bytes.count, bytes[place] == UInt8(ascii: " ") || bytes[place] == UInt8(ascii: "\t") { place += 1 }
            if attribute(in: bytes, at: place).map(names.contains) == true { body(place) }
            lineStart = (bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count) + 1
        }
    }

    /// The name in `// @Name` at `place`.
    private static func attribute(in bytes: [UInt8], at place: Int) -> String? {
        var place = place
        for _ in 0..<2 {
            guard place < bytes.count, bytes[place] == UInt8(ascii: "/") else { return nil }
            place += 1
        }
        while place < bytes.count, bytes[place] == UInt8(ascii: " ") { place += 1 }
        guard place < bytes.count, bytes[place] == UInt8(ascii: "@") else { return nil }
        let name = bytes[(place + 1)...].prefix { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        return String(decoding: name, as: UTF8.self)
    }
}
