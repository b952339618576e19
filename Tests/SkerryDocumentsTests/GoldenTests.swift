import Foundation
import SkerryCRDT
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryDocuments

/// The bytes on disk; the worked examples in docs/formats/documents.md are these files.
@Suite("Formats of stored documents")
struct GoldenTests {
    /// A store whose bytes repeat: writers and salts are drawn from a seed, the clock counts.
    private func makeWorld(_ form: Form) async throws -> World {
        let world = try World(form, seed: 42)
        let store = try await world.open()
        try await store.change("notes/today") { change in
            change.register("title").value = "Today"
            change.text("body").insert("Hello", at: 0)
        }
        try await store.change("notes/today") { $0.text("body").insert(", world", at: 5) }
        try await store.change("gone") { $0.counter("n") += 1 }
        try await store.delete("gone")
        try await store.compact()
        try await store.change("notes/today") { $0.text("body").insert("!", at: 12) }
        return world
    }

    @Test("a file has the bytes of the golden one, and the golden one reads")
    func file() async throws {
        let world = try await makeWorld(.file)
        let file = try world.files.open(World.path, .read)
        let bytes = try file.read(at: 0, count: Int(file.size()))
        let golden = try Golden.bytes("notes.skerry", bytes)
        #expect(bytes == golden)
        let other = try World(.file)
        try other.files.open(World.path, .create).write(golden, at: 0)
        let store = try await other.open()
        #expect(try await store.document("notes/today").text("body").string == "Hello, world!")
        #expect(try await store.document("notes/today").register("title").value == "Today")
        #expect(try await store.documents(includingDeleted: true).map(\.name) == ["gone", "notes/today"])
        #expect(try await store.check().isEmpty)
        try await store.close()
    }

    @Test("an engine has the rows of the golden ones, and those read")
    func rows() async throws {
        let world = try await makeWorld(.engine)
        let engine = world.metadata.withLock { $0 }
        var lines: [String] = []
        for family in MetadataFamily.allCases {
            try engine.scan(family, .all) { key, value in
                lines.append("\(family.name) \(hex(Array(key))) \(hex(Array(value)))")
                return .next
            }
        }
        let text = lines.joined(separator: "\n") + "\n"
        let golden = String(decoding: try Golden.bytes("rows.txt", Array(text.utf8)), as: UTF8.self)
        #expect(text == golden)
        let other = try World(.engine)
        var batch = MetadataBatch()
        for line in golden.split(separator: "\n") {
            let words = line.split(separator: " ")
            let family = try #require(MetadataFamily.allCases.first { $0.name == words[0] })
            batch.put(family, unhex(words[1]), words.count > 2 ? unhex(words[2]) : [])
        }
        // The log is not part of the golden rows: what they say is applied was.
        batch.remove(.settings, EngineKey.settings)
        var settings = try EngineSettingsRow(try #require(try engine.get(.settings, EngineKey.settings)))
        settings.applied = .start
        batch.put(.settings, EngineKey.settings, settings.bytes)
        try other.metadata.withLock { $0 }.apply(batch)
        let store = try await other.open()
        #expect(try await store.document("notes/today").text("body").string == "Hello, world!")
        #expect(try await store.feed(of: store.origin).map(\.document) == ["notes/today", "notes/today", "gone", "gone", "notes/today"])
        #expect(try await store.check().isEmpty)
        try await store.close()
    }
}

/// The files in the folder of that name.
enum Golden {
    /// The golden bytes; in a run that is told to write them, those given.
    static func bytes(_ name: String, _ current: [UInt8]) throws -> [UInt8] {
        if let directory = environment("SKERRY_WRITE_GOLDEN") {
            try Data(current).write(to: URL(fileURLWithPath: directory + "/" + name))
            return current
        }
        let url = try #require(Bundle.module.url(forResource: "Golden/\(name)", withExtension: nil))
        return Array(try Data(contentsOf: url))
    }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }.joined()
}

func unhex(_ text: Substring) -> [UInt8] {
    let digits = Array(text.utf8).map { UInt8($0 > 57 ? $0 - 87 : $0 - 48) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
