internal import SkerryCRDT

/// The rows that documents keep beside a replica's log (`docs/formats/document-feed.md`).
struct DocumentRows: Sendable {
    /// Of the part.
    let prefix: [UInt8]

    /// Which entries were taken: committed with them.
    var digest: [UInt8] { prefix + [0x64] }
    /// Own commits up to which everything was told, by the store's origin.
    var told: [UInt8] { prefix + [0x74] }
    /// What lies beside documents and is not part of them yet.
    var waiting: [UInt8] { prefix + [0x77] }

    func told(_ origin: OriginID) -> [UInt8] { told + Self.bytes(origin.rawValue) }

    func waiting(_ name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        return waiting + [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
    }

    func waiting(_ name: String, _ origin: OriginID) -> [UInt8] { waiting(name) + Self.bytes(origin.rawValue) }

    func waiting(_ name: String, _ dot: Dot) -> [UInt8] { waiting(name, dot.origin) + Self.bytes(dot.sequence) }

    /// The name and the entry in a key of ``waiting(_:_:)``; nil for any other.
    func waitingEntry(_ key: [UInt8]) -> (name: String, dot: Dot)? {
        let start = waiting.count
        guard key.count >= start + 2, key.starts(with: waiting) else { return nil }
        let length = Int(key[start]) << 8 | Int(key[start + 1])
        guard key.count == start + 2 + length + 16, let name = String(validating: key[start + 2..<start + 2 + length], as: UTF8.self) else {
            return nil
        }
        let dot = Dot(origin: OriginID(rawValue: Self.number(key[(key.count - 16)...])), sequence: Self.number(key[(key.count - 8)...]))
        return (name, dot)
    }

    /// What removals of a document had seen, by origin behind it. Itself it says that the document has to be put together anew.
    func removed(_ name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        return prefix + [0x72, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
    }

    func removed(_ name: String, _ origin: OriginID) -> [UInt8] { removed(name) + Self.bytes(origin.rawValue) }

    /// Documents that have to be put together anew, by name behind it: beside what ``removed(_:)`` says, so that they are found.
    var unfinished: [UInt8] { prefix + [0x75] }

    /// That a document has to be put together anew; nil for those that say so no more.
    func marks(ofUnfinished name: String, are value: [UInt8]? = []) -> [ReplicaRow] {
        [ReplicaRow(key: removed(name), value: value), ReplicaRow(key: unfinished + Array(name.utf8), value: value)]
    }

    /// Where an exchange with a peer stands.
    func exchange(_ peer: String) -> [UInt8] { prefix + [0x78] + Array(peer.utf8) }

    static func bytes(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    /// Of the first eight bytes.
    static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    static func bytes(_ version: CausalContext) -> [UInt8] {
        var writer = ExchangeWriter()
        writer.version(version)
        return writer.bytes
    }

    static func version(_ bytes: [UInt8]) -> CausalContext? {
        var reader = ExchangeReader(bytes[...])
        return try? reader.version()
    }
}
