import SkerryCRDT
import SkerryStorage
import Testing

@testable import SkerryDocuments

#if canImport(Glibc)
import Glibc
#endif

@Suite("Memory of idle documents", .serialized)
struct MemoryTests {
    @Test("ten thousand documents that were used take at most 40 MiB", arguments: Form.allCases)
    func idle(form: Form) async throws {
        let count = 10_000
        let world = try World(form)
        do {
            let store = try await world.open()
            for number in 0..<count { try await store.change("notes/\(number)") { $0.text("body").insert("note \(number)", at: 0) } }
            try await store.close()
        }
        world.reopened()
        let before = residentBytes()
        let store = try await world.open()
        for number in 0..<count {
            let length = try await store.document("notes/\(number)").text("body").count()
            #expect(length >= 6)
        }
        let used = residentBytes() - before
        let residents = store.residents
        print("\(form): \(count) documents, \(residents.count) in memory: \(used >> 10) KiB more resident")
        #expect(used <= 40 << 20)
        #expect(residents.byteCount <= DocumentStoreOptions().memoryBudget)
        try await store.close()
    }

    private func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 256)
        guard fgets(&buffer, 256, file) != nil else { return 0 }
        let words = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return (Int(words[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
