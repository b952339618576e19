internal import Crypto
internal import SkerryMerge

/// The file of names of a history in a directory (docs/formats/history.md, "Directory"): text, so that people can read and, in need, write it.
struct HistoryNamesFile: Sendable, Equatable {
    /// Grows with each change of the file.
    var version: UInt64 = 0
    /// Grows with each collection.
    var collections: UInt64 = 0
    var names: [HistoryName: ObjectID] = [:]
    var boundary: Set<ObjectID> = []

    static let fileName = "names"
    /// Bytes of the largest file of names: 256 MiB.
    static let sizeMaximum: UInt64 = 1 << 28
    private static let title = "skerry history names 1"

    init() {}

    var encoded: [UInt8] {
        var text = "\(Self.title)\nversion \(version)\ncollections \(collections)\n"
        for (name, id) in names.sorted(by: { $0.key < $1.key }) { text += "name \(id) \(name)\n" }
        for id in boundary.sorted() { text += "boundary \(id)\n" }
        let bytes = Array(text.utf8)
        return bytes + Array("check \(Self.check(bytes))\n".utf8)
    }

    /// - Throws: ``HistoryError`` with `corrupt`, or `incompatible` for a later version.
    init(encoded bytes: [UInt8]) throws(HistoryError) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Self.damaged("text that is not UTF-8") }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.popLast() == "", let check = lines.popLast(), check.hasPrefix("check ") else {
            throw Self.damaged("no check at its end")
        }
        guard lines.first.map(String.init) == Self.title else {
            throw HistoryError(.incompatible, "the file of names begins with \"\(lines.first ?? "")\" where \"\(Self.title)\" is known")
        }
        let body = bytes.dropLast(check.utf8.count + 1)
        guard check.dropFirst(6) == Self.check(Array(body)) else { throw Self.damaged("its check differs") }
        for (index, line) in lines.enumerated().dropFirst() { try read(line, index + 1) }
    }

    private mutating func read(_ line: Substring, _ number: Int) throws(HistoryError) {
        let fields = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        switch (fields.first, fields.count) {
        case ("version", 2):
            guard let value = UInt64(fields[1]) else { break }
            version = value
            return
        case ("collections", 2):
            guard let value = UInt64(fields[1]) else { break }
            collections = value
            return
        case ("name", 3):
            guard let id = ObjectID(hex: fields[1]), let name = HistoryName(fields[2]) else { break }
            names[name] = id
            return
        case ("boundary", 2):
            guard let id = ObjectID(hex: fields[1]) else { break }
            boundary.insert(id)
            return
        default: break
        }
        throw Self.damaged("line \(number) is not of its grammar")
    }

    private static func damaged(_ what: String) -> HistoryError { HistoryError(.corrupt, "the file of names is damaged: \(what)") }

    private static func check(_ bytes: [UInt8]) -> String {
        guard let digest = ObjectID(Array(SHA256.hash(data: bytes))) else { preconditionFailure("SHA-256 has no 32 bytes") }
        return digest.description
    }
}
