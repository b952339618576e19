import SkerryStorage
import Testing

@testable import SkerryObjects

@Suite("Equal bytes of a tenant are stored once")
struct DedupTests {
    private static let bytes = randomBytes(8 << 20, seed: 1)

    @Test("the same 8 MiB again take less than one per cent more", arguments: EngineKind.allCases)
    func again(_ kind: EngineKind) async throws {
        try await Harness.with(kind) { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put(DedupTests.bytes, as: "first", in: bucket)
            let before = try harness.logBytes
            try await harness.store.put(DedupTests.bytes, as: "second", in: bucket)
            #expect(try harness.logBytes - before < 80_000)
            let statistics = try await harness.store.statistics()
            #expect(statistics.logicalBytes == 16 << 20)
            #expect(statistics.uniqueBytes == 8 << 20)
            #expect(statistics.dedupRatio == 2)
        }
    }

    @Test("a byte more in front costs two MiB at most")
    func shifted() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put(DedupTests.bytes, as: "first", in: bucket)
            let before = try harness.logBytes
            try await harness.store.put([7] + DedupTests.bytes, as: "second", in: bucket)
            #expect(try harness.logBytes - before <= 2 << 20)
            #expect(try await harness.store.get("second", in: bucket) == [7] + DedupTests.bytes)
        }
    }

    @Test("a copy moves no data")
    func copies() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let source = try await harness.store.put(DedupTests.bytes, as: "first", in: bucket)
            let before = try harness.logBytes
            let copy = try await harness.store.copy(source, to: "second", in: bucket, CopyOptions())
            #expect(try harness.logBytes - before < 8192)
            #expect(copy.etag == source.etag && copy.checksum == source.checksum)
            _ = try await harness.store.delete(DeleteRequest(key: "first"), in: bucket)
            for _ in 0..<3 {
                harness.clock.advance(by: harness.configuration.options.collectionGrace)
                try await harness.store.collect()
            }
            #expect(try await harness.store.get("second", in: bucket) == DedupTests.bytes)
        }
    }

    @Test("users share nothing, and a copy between them moves the bytes")
    func users() async throws {
        try await Harness.with { harness in
            let alices = try await harness.makeBucket("alices", owner: "alice")
            let bobs = try await harness.makeBucket("bobs", owner: "bob")
            let source = try await harness.store.put(DedupTests.bytes, as: "object", in: alices)
            var before = try harness.logBytes
            try await harness.store.put(DedupTests.bytes, as: "object", in: bobs)
            #expect(try harness.logBytes - before >= 8 << 20)
            _ = try await harness.store.delete(DeleteRequest(key: "object"), in: bobs)
            for _ in 0..<3 {
                harness.clock.advance(by: harness.configuration.options.collectionGrace)
                try await harness.store.collect()
            }
            #expect(try await harness.store.get("object", in: alices) == DedupTests.bytes)
            before = try harness.logBytes
            let copy = try await harness.store.copy(source, to: "copy", in: bobs, CopyOptions())
            #expect(try harness.logBytes - before >= 8 << 20)
            #expect(copy.etag == source.etag && copy.checksum == source.checksum)
            _ = try await harness.store.delete(DeleteRequest(key: "object"), in: alices)
            for _ in 0..<3 {
                harness.clock.advance(by: harness.configuration.options.collectionGrace)
                try await harness.store.collect()
            }
            #expect(try await harness.store.get("copy", in: bobs) == DedupTests.bytes)
            #expect(try await harness.store.verify { _, _ in }.problems == [])
        }
    }
}
