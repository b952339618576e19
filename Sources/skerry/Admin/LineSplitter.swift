import SkerryCodec

/// Cuts a body that arrives in pieces into lines of JSON.
struct LineSplitter {
    /// Bytes of one line; listings of many users and reports with many problems are long lines.
    static let lineMaximum = 64 << 20

    private var rest: [UInt8] = []

    /// The lines that `piece` completes.
    ///
    /// - Throws: `unreachable` when a line is not JSON or too long.
    mutating func lines(_ piece: some Sequence<UInt8>) throws(AdminError) -> [Value] {
        rest.append(contentsOf: piece)
        var lines: [Value] = []
        var start = 0
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(try Self.parse(Array(rest[start..<end])))
            start = end + 1
        }
        rest.removeFirst(start)
        guard rest.count <= Self.lineMaximum else { throw Self.foreign }
        return lines
    }

    private static func parse(_ line: [UInt8]) throws(AdminError) -> Value {
        do {
            return try JSON.decode(Value.self, from: line)
        } catch {
            throw foreign
        }
    }

    static let foreign = AdminError(.unreachable, "the answer is not one of Skerry's admin protocol")
}
