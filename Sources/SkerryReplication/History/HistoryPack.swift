internal import Crypto
internal import SkerryMerge
internal import SkerryStorage

/// A file of records (docs/formats/history.md, "Directory"): an index in front, records behind it, never changed once it has its name.
struct HistoryPack<File: OpenFile>: Sendable {
    struct Entry: Sendable, Equatable {
        let id: ObjectID
        let offset: UInt64
        let size: Int
    }

    let number: UInt64
    let file: File
    let entries: [Entry]
    let size: UInt64
}

/// What stands at the front of a pack.
enum HistoryPackFormat {
    /// `SkHp`, then the version.
    static let magic: [UInt8] = [0x53, 0x6B, 0x48, 0x70, 1]
    private static let headSize = 9
    private static let entrySize = ObjectID.size + 4
    private static let digestSize = 32
    private static let suffix = ".pack"
    /// Digits of a pack's number, so that names sort as numbers do.
    private static let digits = 16

    static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, Self.digits - digits.count)) + digits + suffix
    }

    /// - Returns: nil for a name that is no pack's.
    static func number(_ name: String) -> UInt64? {
        guard name.hasSuffix(suffix) else { return nil }
        return UInt64(name.dropLast(suffix.count)).flatMap { Self.name($0) == name ? $0 : nil }
    }

    /// The index of records of these sizes, and where each of them stands.
    static func index(_ records: [(id: ObjectID, size: Int)]) -> (bytes: [UInt8], offsets: [UInt64]) {
        var bytes = magic
        append(UInt32(records.count), &bytes)
        for record in records {
            bytes += record.id.bytes
            append(UInt32(record.size), &bytes)
        }
        bytes += Array(SHA256.hash(data: bytes))
        var offset = UInt64(bytes.count)
        var offsets: [UInt64] = []
        for record in records {
            offsets.append(offset)
            offset += UInt64(record.size)
        }
        return (bytes, offsets)
    }

    /// Reads and checks a pack's index.
    ///
    /// - Throws: `corrupt` when it is damaged or the file is not as long as it says; `newerFormat`.
    static func open<File: OpenFile>(_ file: File, number: UInt64) throws(StorageError) -> HistoryPack<File> {
        let size = try file.size()
        let head = try file.read(at: 0, count: headSize)
        guard head.count == headSize, head.starts(with: magic.dropLast()) else { throw damaged(file, "it is no pack") }
        guard head[4] == magic[4] else { throw StorageError(.newerFormat, "a pack of version \(head[4])", path: file.path) }
        let count = UInt64(integer(head[5..<9]))
        let indexSize = UInt64(headSize) + count * UInt64(entrySize)
        guard indexSize + UInt64(digestSize) <= size else { throw damaged(file, "its index is longer than the file") }
        let bytes = try file.read(at: 0, count: Int(indexSize) + digestSize)
        guard bytes.count == Int(indexSize) + digestSize else { throw damaged(file, "its index ends early") }
        guard bytes[Int(indexSize)...].elementsEqual(SHA256.hash(data: bytes[..<Int(indexSize)])) else {
            throw damaged(file, "the digest of its index differs")
        }
        var offset = indexSize + UInt64(digestSize)
        var entries: [HistoryPack<File>.Entry] = []
        entries.reserveCapacity(Int(count))
        for start in stride(from: headSize, to: Int(indexSize), by: entrySize) {
            guard let id = ObjectID(bytes[start..<start + ObjectID.size]) else { throw damaged(file, "an identifier") }
            let size = Int(integer(bytes[start + ObjectID.size..<start + entrySize]))
            entries.append(.init(id: id, offset: offset, size: size))
            offset += UInt64(size)
        }
        guard offset == size else { throw damaged(file, "it has \(size) bytes where \(offset) were written") }
        return HistoryPack(number: number, file: file, entries: entries, size: size)
    }

    private static func damaged(_ file: some OpenFile, _ what: String) -> StorageError {
        StorageError(.corrupt, "a pack is damaged: \(what)", path: file.path)
    }

    private static func append(_ value: UInt32, _ bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
