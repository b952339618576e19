import SkerryChunks
import SkerryStorage
import Testing

@testable import SkerryObjects

@Suite("Bytes that are put come back")
struct RoundTripTests {
    static let sizes = [
        0, 1, 4095, 4096, 4097, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 1 << 20, 3 << 20, 20 << 20,
    ]

    @Test("whole, in every size, now and after a restart", arguments: EngineKind.allCases)
    func everySize(_ kind: EngineKind) async throws {
        var configuration = HarnessConfiguration()
        configuration.threads = 2
        try await Harness.with(kind, configuration) { harness in
            let bucket = try await harness.makeBucket()
            for size in RoundTripTests.sizes {
                let bytes = randomBytes(size, seed: UInt64(size))
                let version = try await harness.store.put(bytes, as: key("\(size)"), in: bucket)
                #expect(version.size == UInt64(size))
                #expect(version.etag == ETag(of: bytes))
                #expect(try await harness.store.get(key("\(size)"), in: bucket) == bytes, "\(size) bytes")
            }
            try await harness.reopen()
            for size in RoundTripTests.sizes {
                let read = try await harness.store.get(key("\(size)"), in: bucket)
                #expect(read == randomBytes(size, seed: UInt64(size)), "\(size) bytes after a restart")
            }
            let report = try await harness.store.verify { _, _ in }
            #expect(report.problems == [])
            #expect(report.versions == UInt64(RoundTripTests.sizes.count))
        }
    }

    @Test("the bytes decide about the body, not the pieces they come in", arguments: [1000, 65_536, 300_000, 5 << 20])
    func pieces(_ piece: Int) async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(5 << 20, seed: 5)
            let whole = try await harness.store.put(bytes, as: "whole", in: bucket, piece: 64 << 10)
            let pieced = try await harness.store.put(bytes, as: "pieced", in: bucket, piece: piece)
            #expect(pieced.body == whole.body)
            #expect(pieced.checksum == whole.checksum)
            #expect(try await harness.store.get("pieced", in: bucket) == bytes)
        }
    }

    @Test("ranges at and around every edge of a chunk", arguments: [4096, 100_000, 3 << 20, 24 << 20])
    func edgesOfChunks(_ size: Int) async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(size, seed: 7)
            let version = try await harness.store.put(bytes, as: "object", in: bucket)
            var edges: Set<Int> = [0, 1, size - 1, size]
            for edge in try await self.edges(of: version, harness) { edges.formUnion([edge - 1, edge, edge + 1].filter { $0 <= size }) }
            let sorted = edges.sorted()
            for (lower, upper) in zip(sorted, sorted.dropFirst()) + [(0, size), (size, size)] {
                let read = try await harness.store.get("object", in: bucket, UInt64(lower)..<UInt64(upper))
                #expect(read == Array(bytes[lower..<upper]), "\(lower)..<\(upper)")
            }
            // Over two edges each.
            for (lower, upper) in zip(sorted, sorted.dropFirst(7)) {
                let read = try await harness.store.get("object", in: bucket, UInt64(lower)..<UInt64(upper))
                #expect(read == Array(bytes[lower..<upper]), "\(lower)..<\(upper)")
            }
        }
    }

    /// Where the chunks of a version end.
    private func edges(of version: ObjectVersion, _ harness: Harness) async throws -> [Int] {
        var edges: [Int] = []
        var end = 0
        switch version.body {
        case .inline: break
        case .chunks(let chunks):
            for chunk in chunks {
                end += chunk.length
                edges.append(end)
            }
        case .manifests(let count):
            let entry = try await harness.store.entry(of: version)
            try harness.packs.forEachManifest(at: entry.record.version.location, count: count) { references throws(StorageError) in
                for reference in references {
                    let manifest = try harness.store.blocks.manifest(BlockName(tenant: entry.record.tenant, digest: reference.digest))
                    for chunk in manifest.entries {
                        end += chunk.length
                        edges.append(end)
                    }
                }
            }
        }
        return edges
    }

    @Test("random ranges of an object whose manifests are several", arguments: EngineKind.allCases)
    func randomRanges(_ kind: EngineKind) async throws {
        try await Harness.with(kind) { harness in
            let bucket = try await harness.makeBucket()
            let (bytes, version) = try await harness.putManyManifests("object", in: bucket)
            guard case .manifests(let count) = version.body else { return #expect(Bool(false), "no manifests") }
            #expect(count > 3)
            var generator = SplitMix64(seed: 99)
            for _ in 0..<60 {
                let lower = Int.random(in: 0..<bytes.count, using: &generator)
                let upper = Int.random(in: lower...min(bytes.count, lower + 9_000_000), using: &generator)
                let read = try await harness.store.get("object", in: bucket, UInt64(lower)..<UInt64(upper))
                #expect(read == Array(bytes[lower..<upper]), "\(lower)..<\(upper)")
            }
            #expect(try await harness.store.get("object", in: bucket) == bytes)
        }
    }

    @Test("a range outside of the object is refused and names the version")
    func outOfRange() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put([1, 2, 3], as: "small", in: bucket)
            for range: Range<UInt64> in [0..<4, 3..<4, 5..<5] {
                let error = await #expect(throws: ObjectError.self) { try await harness.store.get("small", in: bucket, range) }
                #expect(error?.code == .rangeNotSatisfiable)
                #expect(error?.version?.size == 3)
            }
        }
    }

    @Test("conditions in the range closure come before any byte is looked for")
    func conditionsComeFirst() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put(randomBytes(100_000, seed: 1), as: "object", in: bucket)
            try await harness.reopen()
            let reads = harness.files.count(of: .read)
            await #expect(throws: ObjectError.self) {
                _ = try await harness.store.open("object", .current, in: bucket) { _ throws(ObjectError) in
                    throw ObjectError(.notModified, "still good")
                }
            }
            _ = try await harness.store.version("object", .current, in: bucket)
            // A header of the pack may be read to open it; the 100 kB of the chunk may not.
            #expect(harness.files.count(of: .read) - reads <= 1)
        }
    }

    @Test("metadata, checksum and content type come back as they were given")
    func metadata() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let metadata = ObjectMetadata(
                contentType: "text/plain", headers: [.init(name: "cache-control", value: "no-store")],
                user: [.init(name: "b", value: "2"), .init(name: "a", value: "ä")])
            let bytes = randomBytes(1000, seed: 3)
            try await harness.store.put(bytes, as: "object", in: bucket, PutOptions(metadata: metadata, checksum: .sha256))
            try await harness.reopen()
            let version = try await harness.store.version("object", .current, in: bucket)
            #expect(version.metadata == metadata)
            #expect(
                version.checksum?.value
                    == bytes.withUnsafeBytes { bytes in
                        var state = ChecksumState(.sha256)
                        state.update(bytes)
                        return state.finalize()
                    })
        }
    }

    @Test("what was promised about the bytes is held against them, and a mismatch leaves nothing")
    func expectations() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(5000, seed: 4)
            func attempt(_ options: PutOptions, _ expectation: PayloadExpectation) async -> ObjectError.Code? {
                do throws(ObjectError) {
                    let upload = try harness.store.put("object", in: bucket, options)
                    try await upload.write(bytes[...])
                    _ = try await upload.finish(expectation)
                    return nil
                } catch {
                    return error.code
                }
            }
            #expect(await attempt(PutOptions(length: 4999), PayloadExpectation()) == .incompleteBody)
            #expect(await attempt(PutOptions(length: 5001), PayloadExpectation()) == .incompleteBody)
            #expect(await attempt(PutOptions(), PayloadExpectation(md5: MD5Digest(of: [1]))) == .badDigest)
            #expect(
                await attempt(PutOptions(), PayloadExpectation(checksum: ChecksumValue(.crc64nvme, bytes: [0, 0, 0, 0, 0, 0, 0, 0])))
                    == .badDigest)
            #expect(
                await attempt(
                    PutOptions(needsPayloadSHA256: true), PayloadExpectation(payloadSHA256: [1].withUnsafeBytes { Digest(of: $0) }))
                    == .payloadHashMismatch)
            await #expect(throws: ObjectError.self) { try await harness.store.get("object", in: bucket) }
            #expect(
                await attempt(
                    PutOptions(length: 5000, needsPayloadSHA256: true),
                    PayloadExpectation(md5: MD5Digest(of: bytes), payloadSHA256: bytes.withUnsafeBytes { Digest(of: $0) })) == nil)
        }
    }
}

extension Harness {
    /// An object with a row of manifests, some of which end in the middle of things: parts spliced together.
    func putManyManifests(_ key: ObjectKey, in bucket: Bucket) async throws -> ([UInt8], ObjectVersion) {
        let upload = try await store.createUpload(key, in: bucket)
        var bytes: [UInt8] = []
        var parts: [UploadedPart] = []
        for number in 1...5 {
            let part = randomBytes((5 << 20) + number * 4321, seed: UInt64(number))
            bytes += part
            parts.append(try await store.putPart(number, part, of: upload, in: bucket))
        }
        return (bytes, try await store.complete(upload, in: bucket, parts))
    }
}
