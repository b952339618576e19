import SkerryChunks
import SkerryCRDT
import SkerryStorage
import Testing

@testable import SkerryObjects

@Suite("Multipart uploads")
struct MultipartTests {
    private static let partSize = Int(MultipartUpload.partMinimum)

    private func code(_ body: () async throws(ObjectError) -> Void) async -> ObjectError.Code? {
        do throws(ObjectError) {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("parts come in any order, with gaps, and replaced; the object is theirs by number", arguments: EngineKind.allCases)
    func anyOrder(_ kind: EngineKind) async throws {
        try await Harness.with(kind) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let upload = try await store.createUpload("object", in: bucket)
            var contents: [Int: [UInt8]] = [:]
            var parts: [Int: UploadedPart] = [:]
            for (number, size) in [
                (10_000, 77), (7, MultipartTests.partSize + 1), (1, MultipartTests.partSize), (7, MultipartTests.partSize),
            ] {
                let bytes = randomBytes(size, seed: UInt64(number + size))
                contents[number] = bytes
                parts[number] = try await store.putPart(number, bytes, of: upload, in: bucket)
                #expect(parts[number]?.etag == ETag(of: bytes))
            }
            try await store.putPart(9, [1], of: upload, in: bucket)
            let chosen = [1, 7, 10_000].compactMap { parts[$0] }
            let version = try await store.complete(upload, in: bucket, chosen)
            let bytes = [1, 7, 10_000].flatMap { contents[$0] ?? [] }
            #expect(version.size == UInt64(bytes.count))
            #expect(version.partCount == 3)
            let digests = [1, 7, 10_000].flatMap { MD5Digest(of: contents[$0] ?? []).bytes }
            #expect(version.etag.description == MD5Digest(of: digests).hex + "-3")
            #expect(try await store.get("object", in: bucket) == bytes)
            #expect(
                try Dump.rows(harness.metadata, .references).keys.allSatisfy { $0[40] != UInt8(ascii: "p") },
                "parts refer to nothing any more")
            let shown = try await store.parts(of: version, after: 0, limit: 10)
            #expect(shown.map(\.number) == [1, 7, 10_000])
            #expect(shown.map(\.size) == [1, 7, 10_000].map { UInt64(contents[$0]?.count ?? 0) })
            #expect(shown.map(\.offset) == [0, UInt64(MultipartTests.partSize), UInt64(2 * MultipartTests.partSize)])
            #expect(try await store.parts(of: version, after: 1, limit: 1).map(\.number) == [7])
            try await harness.rebuild()
            #expect(try await harness.store.get("object", in: bucket) == bytes)
        }
    }

    @Test("a list of parts that is wrong in any way is refused, and the upload goes on")
    func wrongLists() async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let upload = try await store.createUpload("object", in: bucket)
            let large = try await store.putPart(1, randomBytes(MultipartTests.partSize, seed: 1), of: upload, in: bucket)
            let small = try await store.putPart(2, randomBytes(MultipartTests.partSize - 1, seed: 2), of: upload, in: bucket)
            let last = try await store.putPart(3, [1], of: upload, in: bucket)
            func complete(
                _ parts: [(Int, String)], checksum: ChecksumValue? = nil, kind: ChecksumType? = nil, size: UInt64? = nil
            ) async -> ObjectError.Code? {
                await code { () throws(ObjectError) in
                    _ = try await store.complete(
                        upload.id, "object", in: bucket, parts: parts.map { CompletedPart(number: $0.0, etag: $0.1) }, checksum: checksum,
                        kind: kind,
                        size: size, conditions: WriteConditions())
                }
            }
            let (l, s, e) = (large.etag.description, small.etag.description, last.etag.description)
            #expect(await complete([]) == .invalidArgument)
            #expect(await complete([(3, e), (1, l)]) == .invalidPartOrder)
            #expect(await complete([(1, l), (1, l)]) == .invalidPartOrder)
            #expect(await complete([(1, l), (4, e)]) == .invalidPart)
            #expect(await complete([(1, e)]) == .invalidPart)
            #expect(await complete([(1, l), (2, s), (3, e)]) == .partTooSmall)
            #expect(await complete([(1, l), (3, e)], size: 5) == .invalidArgument)
            #expect(await complete([(1, l), (3, e)], kind: .composite) == .invalidArgument)
            #expect(await complete([(1, l), (3, e)], checksum: ChecksumValue(.crc64nvme, bytes: [1, 2, 3, 4, 5, 6, 7, 8])) == .badDigest)
            #expect(await complete((1...10_001).map { ($0, e) }) == .tooManyParts)
            for number in [0, 10_001, -1] {
                #expect(
                    await code { () throws(ObjectError) in try await store.putPart(number, [1], of: upload, in: bucket) }
                        == .invalidArgument)
            }
            #expect(await complete([(1, l), (2, s)], size: UInt64(2 * MultipartTests.partSize - 1)) == nil)
        }
    }

    @Test("Complete asked again gives the same version; another list finds no upload")
    func idempotent() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket(versioning: .enabled)
            let upload = try await harness.store.createUpload("object", in: bucket)
            let first = try await harness.store.putPart(1, randomBytes(MultipartTests.partSize, seed: 1), of: upload, in: bucket)
            let second = try await harness.store.putPart(2, [2], of: upload, in: bucket)
            let version = try await harness.store.complete(upload, in: bucket, [first, second])
            #expect(try await harness.store.complete(upload, in: bucket, [first, second]).id == version.id)
            try await harness.reopen()
            let store = harness.store
            #expect(try await store.complete(upload, in: bucket, [first, second]).id == version.id)
            #expect(await code { () throws(ObjectError) in try await store.complete(upload, in: bucket, [first]) } == .noSuchUpload)
            #expect(await code { () throws(ObjectError) in try await store.putPart(3, [3], of: upload, in: bucket) } == .noSuchUpload)
            #expect(await code { () throws(ObjectError) in try await store.abort(upload.id, "object", in: bucket) } == .noSuchUpload)
            #expect(try await store.listVersions(VersionListRequest(), in: bucket).entries.count == 1)
            _ = try await store.delete(DeleteRequest(key: "object", selector: .id(version.id)), in: bucket)
            #expect(
                await code { () throws(ObjectError) in try await store.complete(upload, in: bucket, [first, second]) } == .noSuchUpload)
        }
    }

    @Test("Complete, parts, and Abort at the same time: one order of them is what happened", arguments: EngineKind.allCases)
    func races(_ kind: EngineKind) async throws {
        var configuration = HarnessConfiguration()
        configuration.threads = 3
        try await Harness.with(kind, configuration) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            for round in 0..<12 {
                let name = key("\(round)")
                let upload = try await store.createUpload(name, in: bucket)
                let old = try await store.putPart(1, [1], of: upload, in: bucket)
                async let new = code { () throws(ObjectError) in try await store.putPart(1, [2, 2], of: upload, in: bucket) }
                async let completed = code { () throws(ObjectError) in try await store.complete(upload, in: bucket, [old]) }
                async let aborted = code { () throws(ObjectError) in
                    if round % 2 == 0 { try await store.abort(upload.id, name, in: bucket) }
                }
                let (part, complete, abort) = await (new, completed, aborted)
                #expect([nil, .noSuchUpload].contains(part))
                #expect([nil, .noSuchUpload, .invalidPart, .conditionalConflict].contains(complete), "\(String(describing: complete))")
                let object = await code { () throws(ObjectError) in
                    let bytes = try await store.get(name, in: bucket)
                    #expect(bytes == [1])
                }
                #expect((object == nil) == (complete == nil), "there exactly when it was completed")
                if round % 2 == 0 { #expect((abort == nil) == (complete != nil), "one of the two ended the upload") }
            }
            for upload in try await store.listUploads(
                in: bucket, prefix: [], delimiter: [], keyMarker: [], uploadMarker: nil, limit: 100
            ).uploads { try await store.abort(upload.id, upload.key, in: bucket) }
            #expect(try Dump.rows(harness.metadata, .references).keys.allSatisfy { $0[40] != UInt8(ascii: "p") })
            let before = try Dump(harness.metadata)
            try await harness.rebuild()
            #expect(try Dump(harness.metadata) == before)
        }
    }

    @Test("parts page by page")
    func listParts() async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let upload = try await store.createUpload("object", in: bucket)
            let numbers = [1, 2, 5, 6, 7, 9_999, 10_000]
            for number in numbers.reversed() { try await store.putPart(number, [UInt8(number % 256)], of: upload, in: bucket) }
            for limit in 1...8 {
                var listed: [Int] = []
                var after = 0
                while true {
                    let page = try await store.listParts(upload.id, "object", in: bucket, after: after, limit: limit)
                    listed += page.parts.map(\.number)
                    after = page.nextMarker
                    guard page.isTruncated else { break }
                    #expect(page.parts.count == limit)
                }
                #expect(listed == numbers)
            }
            for (after, limit) in [(10_000, 5), (20_000, 5), (-3, 0)] {
                let page = try await store.listParts(upload.id, "object", in: bucket, after: after, limit: limit)
                #expect(page.parts.isEmpty && !page.isTruncated)
            }
            #expect(
                await code { () throws(ObjectError) in _ = try await store.listParts(upload.id, "other", in: bucket, after: 0, limit: 1) }
                    == .noSuchUpload)
        }
    }

    @Test("removing a bucket ends its uploads")
    func bucketRemoval() async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let upload = try await store.createUpload("object", in: bucket)
            try await store.putPart(1, [1], of: upload, in: bucket)
            try await store.deleteBucket(bucket)
            #expect(await code { () throws(ObjectError) in try await store.putPart(2, [1], of: upload, in: bucket) } == .noSuchUpload)
            #expect(try Dump.rows(harness.metadata, .uploads).isEmpty)
            #expect(try Dump.rows(harness.metadata, .references).keys.allSatisfy { $0[40] != UInt8(ascii: "p") })
        }
    }

    // MARK: Checksums

    static let checksumCases: [(ChecksumAlgorithm, ChecksumType)] = ChecksumAlgorithm.allCases.flatMap { algorithm in
        ChecksumType.allCases.filter { algorithm.allows($0) }.map { (algorithm, $0) }
    }

    @Test("checksums of objects from parts equal those computed over the bytes", arguments: checksumCases)
    func checksums(_ algorithm: ChecksumAlgorithm, _ kind: ChecksumType) async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let user = try #require(store.user("alice"))
            let upload = try await store.createUpload(
                "object", in: bucket, metadata: ObjectMetadata(), checksum: algorithm, kind: kind, initiator: user)
            let contents = [
                randomBytes(MultipartTests.partSize, seed: 1), randomBytes(MultipartTests.partSize + 7, seed: 2), randomBytes(11, seed: 3),
            ]
            var parts: [UploadedPart] = []
            for (index, bytes) in contents.enumerated() { parts.append(try await store.putPart(index + 1, bytes, of: upload, in: bucket)) }
            func checksum(_ bytes: [UInt8]) -> ChecksumValue {
                var state = ChecksumState(algorithm)
                bytes.withUnsafeBytes { state.update($0) }
                return state.finalize()
            }
            #expect(parts.map(\.checksum) == contents.map(checksum))
            let expected = checksum(kind == .fullObject ? contents.flatMap { $0 } : contents.flatMap { checksum($0).bytes })
            let version = try await store.complete(
                upload.id, "object", in: bucket,
                parts: parts.map { CompletedPart(number: $0.number, etag: $0.etag.description, checksum: $0.checksum) }, checksum: expected,
                kind: kind, size: nil, conditions: WriteConditions())
            #expect(version.checksum == ObjectChecksum(value: expected, kind: kind, partCount: kind == .composite ? 3 : 0))
            #expect(try await store.parts(of: version, after: 0, limit: 10).map(\.checksum) == contents.map(checksum))
        }
    }

    @Test(
        "an algorithm that cannot be of a kind is refused",
        arguments: [(ChecksumAlgorithm.sha256, ChecksumType.fullObject), (.sha1, .fullObject), (.crc64nvme, .composite)])
    func checksumKinds(_ algorithm: ChecksumAlgorithm, _ kind: ChecksumType) async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let user = try #require(harness.store.user("alice"))
            #expect(
                await code { () throws(ObjectError) in
                    _ = try await harness.store.createUpload(
                        "object", in: bucket, metadata: ObjectMetadata(), checksum: algorithm, kind: kind, initiator: user)
                } == .invalidArgument)
        }
    }

    // MARK: Copied parts

    @Test("a part that is a range of an object shares the chunks inside of it", arguments: EngineKind.allCases)
    func copiedParts(_ kind: EngineKind) async throws {
        try await Harness.with(kind) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let (listed, manifests) = try await harness.putManyManifests("manifests", in: bucket)
            let direct = randomBytes(9 << 20, seed: 77)
            let chunks = try await store.put(direct, as: "chunks", in: bucket)
            let inline = try await store.put([1, 2, 3, 4], as: "inline", in: bucket)
            let upload = try await store.createUpload("object", in: bucket)
            let cases: [(ObjectVersion, [UInt8], Range<UInt64>?)] = [
                (manifests, listed, 1_000_000..<9_000_000), (manifests, listed, nil), (chunks, direct, 5..<9_000_001),
                (chunks, direct, nil),
                (inline, [1, 2, 3, 4], 1..<3),
            ]
            var parts: [UploadedPart] = []
            var expected: [UInt8] = []
            for (index, (source, bytes, range)) in cases.enumerated() {
                let before = try harness.logBytes
                let part = try await store.copyPart(index + 1, of: upload, in: bucket, from: source, range: range)
                // At most two chunks are cut at the edges; the rest are names.
                let grown = try harness.logBytes - before
                #expect(grown < (range == nil ? 64 << 10 : 2 << 20) + 4096, "part \(index + 1): \(grown) bytes")
                let slice = range.map { Array(bytes[Int($0.lowerBound)..<Int($0.upperBound)]) } ?? bytes
                #expect(part.etag == ETag(of: slice))
                #expect(part.size == UInt64(slice.count))
                parts.append(part)
                expected += slice
            }
            try await store.complete(upload, in: bucket, parts)
            #expect(try await store.get("object", in: bucket) == expected)
            let outside = await code { () throws(ObjectError) in
                _ = try await store.copyPart(1, of: upload, in: bucket, from: inline, range: 2..<5)
            }
            #expect(outside == .rangeNotSatisfiable)
            let report = try await store.verify { _, _ in }
            #expect(report.problems == [])
        }
    }

    @Test("parts of a version that was looked up before its pack was rewritten are found")
    func partsAfterRewriting() async throws {
        var configuration = HarnessConfiguration()
        configuration.options.collectionGrace = 0
        try await Harness.with(.memory, configuration) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            try await store.put(randomBytes(200_000, seed: 1), as: "garbage", in: bucket)
            let upload = try await store.createUpload("object", in: bucket)
            let part = try await store.putPart(1, [1, 2, 3], of: upload, in: bucket)
            let version = try await store.complete(upload, in: bucket, [part])
            _ = try await store.delete(DeleteRequest(key: "garbage"), in: bucket)
            try harness.packs.seal()
            #expect(try await store.collect().rewrittenPacks == 1)
            #expect(try harness.packs.packs().first?.number != 1)
            #expect(try await store.parts(of: version, after: 0, limit: 10).map(\.number) == [1])
        }
    }
}
