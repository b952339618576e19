import CSkerryKernels
import Foundation
@testable import SkerryStorage
import Testing

@Suite("The format of packs")
struct PackFormatTests {
    /// The log that the golden file and the example in docs/formats/pack.md show.
    private func writeExample(_ files: MemoryFileLayer) throws -> PackLog<MemoryFileLayer> {
        var configuration = PackLogConfiguration()
        configuration.packCapacity = 4096
        configuration.salt = { 0x0123_4567_89AB_CDEF }
        let log = try PackLog(files: files, directory: "packs", configuration: configuration)
        _ = try log.append([
            LogRecord(kind: LogRecord.Kind(rawValue: 1), fields: Array("fields".utf8), body: Array("a small body".utf8)[...]),
            LogRecord(kind: LogRecord.Kind(rawValue: 2), fields: []),
        ])
        try log.sync()
        _ = try log.append([LogRecord(kind: LogRecord.Kind(rawValue: 255), fields: [0], body: [UInt8](repeating: 0x5A, count: 300)[...])])
        try log.seal()
        _ = try log.append([LogRecord(kind: LogRecord.Kind(rawValue: 3), fields: [1, 2, 3])])
        try log.close()
        return log
    }

    private func golden(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Golden/\(name)", withExtension: nil))
        return Array(try Data(contentsOf: url))
    }

    private static let names = ["0000000000000001.pack", "0000000000000002.pack"]

    @Test("writing gives the golden files, byte for byte", arguments: names)
    func writes(name: String) throws {
        let files = MemoryFileLayer()
        _ = try writeExample(files)
        let written = try files.open("packs/" + name, .read).read(at: 0, count: 10_000)
        if let directory = ProcessInfo.processInfo.environment["SKERRY_WRITE_GOLDEN"] {
            try Data(written).write(to: URL(fileURLWithPath: directory + "/" + name))
        }
        #expect(try golden(name) == written)
    }

    @Test("the golden files are read")
    func reads() throws {
        let files = MemoryFileLayer()
        try files.createDirectory("packs")
        for name in Self.names { try files.open("packs/" + name, .create).write(try golden(name), at: 0) }
        let log = try PackLog(files: files, directory: "packs")
        let records = try log.records()
        #expect(records.map(\.record.kind.rawValue) == [1, 2, 255, 3])
        #expect(records[0].record.fields == Array("fields".utf8))
        #expect(Array(records[0].record.body) == Array("a small body".utf8))
        #expect(records[2].record.body.count == 300)
        #expect(records[0].location.position == LogPosition(pack: 1, offset: 64))
        #expect(records[3].location.position == LogPosition(pack: 2, offset: 64))
    }

    @Test("any changed byte of a pack is noticed")
    func everyByteCounts() throws {
        let files = MemoryFileLayer()
        _ = try writeExample(files)
        let size = try files.open("packs/" + Self.names[0], .read).size()
        for offset in 0..<size {
            let changed = files.copy()
            try changed.corrupt("packs/" + Self.names[0], at: offset) { $0 ^= 0x04 }
            let error = #expect(throws: StorageError.self, "offset \(offset)") {
                _ = try PackLog(files: changed, directory: "packs").records()
            }
            #expect(error?.code == .corrupt, "offset \(offset)")
        }
    }

    @Test("a pack under another pack's name is corrupt")
    func renamedPack() throws {
        let files = MemoryFileLayer()
        _ = try writeExample(files)
        try files.rename("packs/" + Self.names[1], to: "packs/0000000000000007.pack")
        let error = #expect(throws: StorageError.self) { _ = try PackLog(files: files, directory: "packs") }
        #expect(error?.code == .corrupt)
    }

    @Test("a later version of packs is told apart from damage")
    func newerVersion() throws {
        let files = MemoryFileLayer()
        _ = try writeExample(files)
        let file = try files.open("packs/" + Self.names[0], .write)
        var header = try file.read(at: 0, count: PackHeader.length)
        header[4] = 2
        header.store(crc32c(header[..<60]), at: 60)
        try file.write(header, at: 0)
        let error = #expect(throws: StorageError.self) { _ = try PackLog(files: files, directory: "packs") }
        #expect(error?.code == .newerFormat)
    }

    @Test("files that are no packs are left alone, unfinished packs are removed")
    func otherFiles() throws {
        let files = MemoryFileLayer()
        _ = try writeExample(files)
        for name in ["0000000000000003.pack.new", "notes.txt", "12.pack"] { _ = try files.open("packs/" + name, .create) }
        #expect(try PackLog(files: files, directory: "packs").packs().count == 2)
        #expect(try files.list("packs") == Self.names + ["12.pack", "notes.txt"])
    }
}

@Suite("CRC-32C")
struct ChecksumTests {
    /// RFC 3720, appendix B.4.
    static let vectors: [([UInt8], UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        (Array(0..<32), 0x46DD_794E),
        (Array((0..<32).reversed()), 0x113F_DB5C),
        (Array("123456789".utf8), 0xE306_9283),
        ([], 0),
    ]

    @Test("the RFC's vectors come out, by instruction and by tables", arguments: vectors.indices)
    func vector(index: Int) {
        let (bytes, expected) = Self.vectors[index]
        #expect(crc32c(bytes[...]) == expected)
        #expect(bytes.withUnsafeBytes { skerry_crc32c_portable(0, $0.baseAddress, $0.count) } == expected)
    }

    @Test("any length at any alignment, whole or in two parts, agrees with the definition bit by bit")
    func agreesWithDefinition() {
        func definition(_ bytes: ArraySlice<UInt8>) -> UInt32 {
            var crc = UInt32.max
            for byte in bytes {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            }
            return ~crc
        }
        var generator = SplitMix64(seed: 1)
        let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for _ in 0..<500 {
            let start = Int.random(in: 0..<40, using: &generator)
            let end = Int.random(in: start...200, using: &generator)
            let middle = Int.random(in: start...end, using: &generator)
            let slice = bytes[start..<end]
            #expect(crc32c(slice) == definition(slice))
            #expect(slice.withUnsafeBytes { skerry_crc32c_portable(0, $0.baseAddress, $0.count) } == definition(slice))
            #expect(crc32c(bytes[middle..<end], after: crc32c(bytes[start..<middle])) == definition(slice))
        }
    }
}

@Suite("What a log remembers about its packs")
struct PackMemoryTests {
    @Test("verified records are remembered exactly: forgotten at times, invented never")
    func verifiedRecords() {
        let set = VerifiedRecords(capacity: 64)
        var generator = SplitMix64(seed: 3)
        var inserted: Set<LogPosition> = []
        for _ in 0..<5_000 {
            // Records begin 32 bytes apart at least.
            let position = LogPosition(
                pack: .random(in: 1...50, using: &generator), offset: 64 + 33 * .random(in: 0..<10_000, using: &generator))
            if !inserted.contains(position),
                !inserted.contains(where: { $0.pack == position.pack && $0.offset / 32 == position.offset / 32 })
            {
                #expect(!set.contains(position))
            }
            set.insert(position)
            inserted.insert(position)
            #expect(set.contains(position))
        }
    }

    @Test("what cannot be named is never remembered")
    func unnameable() {
        let set = VerifiedRecords(capacity: 8)
        for position in [LogPosition(pack: 1, offset: 1 << 32), LogPosition(pack: 1 << 40, offset: 64)] {
            set.insert(position)
            #expect(!set.contains(position))
        }
    }

    @Test("the handle unused for longest goes first")
    func handleCache() {
        var cache = HandleCache<String>(capacity: 2)
        #expect(cache.insert("one", for: 1) == "one")
        #expect(cache.insert("other", for: 1) == "one")
        _ = cache.insert("two", for: 2)
        #expect(cache.handle(for: 1) == "one")
        _ = cache.insert("three", for: 3)
        #expect(cache.handle(for: 2) == nil)
        #expect(cache.handle(for: 1) == "one" && cache.handle(for: 3) == "three")
        cache.remove(1)
        #expect(cache.count == 1)
    }
}
