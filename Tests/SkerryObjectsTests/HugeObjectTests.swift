import SkerryChunks
import SkerryCRDT
import SkerryStorage
import Testing

@testable import SkerryObjects

@Suite("An object of 10,000 parts of 5 GiB")
struct HugeObjectTests {
    private static let manifestsPerPart = 20
    private static let partSize: UInt64 = 5 << 30
    private static let manifestSize = partSize / UInt64(manifestsPerPart)
    private static let partCount = MultipartUpload.partNumberMaximum

    /// The manifests of the last part are real: 1,024 times one chunk. Of the others there are only the names.
    private func references(_ number: Int, real: Digest) -> [ManifestReference] {
        (0..<HugeObjectTests.manifestsPerPart).map { index in
            var name = [UInt8](repeating: 0, count: 32)
            name.replaceSubrange(0..<3, with: [UInt8(number >> 8), UInt8(number & 255), UInt8(index)])
            return ManifestReference(
                digest: number == HugeObjectTests.partCount ? real : Digest(bytes: name) ?? real,
                end: UInt64(index + 1) * HugeObjectTests.manifestSize)
        }
    }

    private func addParts(_ upload: MultipartUpload, to store: ObjectStore, in bucket: Bucket, real: Digest) async throws -> [UploadedPart]
    {
        var parts: [UploadedPart] = []
        for start in stride(from: 1, through: HugeObjectTests.partCount, by: 500) {
            parts += try await store.committer.commit(.everything) { context throws(ObjectError) in
                (start..<start + 500).map { number in
                    let references = self.references(number, real: real)
                    let record = PartRecord(
                        tenant: bucket.tenant, id: context.stamp(), bucket: bucket.id, upload: upload.id, number: number,
                        size: HugeObjectTests.partSize, md5: MD5Digest(of: [UInt8(number & 255)]), checksum: nil,
                        manifestCount: references.count)
                    context.append(LogRecord(kind: .part, fields: record.fields, body: ManifestReference.bytes(references)[...]))
                    return record.uploaded
                }
            }
        }
        return parts
    }

    @Test("is completed, read, listed, copied and deleted in bounded batches", .timeLimit(.minutes(2)))
    func huge() async throws {
        var configuration = HarnessConfiguration()
        configuration.wrap = { WatchedMetadata($0) }
        try await Harness.with(.memory, configuration) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let chunk = [UInt8](repeating: 5, count: 256 << 10)
            let small = try await store.put(chunk, as: "chunk", in: bucket)
            guard case .chunks(let entries) = small.body else { return #expect(Bool(false)) }
            let manifest = Manifest([ManifestEntry](repeating: entries[0], count: Manifest.entryMaximum))
            #expect(manifest.totalLength == HugeObjectTests.manifestSize)
            let pins = PinSet(store.blocks.pins)
            let name = BlockName(tenant: bucket.tenant, digest: manifest.digest)
            try store.blocks.store([Block(name: name, bytes: manifest.encoded()[...], isManifest: true)], pins: pins)

            let upload = try await store.createUpload("huge", in: bucket)
            let parts = try await addParts(upload, to: store, in: bucket, real: manifest.digest)
            let version = try await store.complete(upload, in: bucket, parts)
            let size = UInt64(HugeObjectTests.partCount) * HugeObjectTests.partSize
            #expect(version.size == size)
            #expect(version.etag.description.hasSuffix("-10000"))
            #expect(try await store.version("huge", .current, in: bucket).size == size)
            #expect(try await store.get("huge", in: bucket, size - 300_000..<size - 5) == [UInt8](repeating: 5, count: 299_995))
            #expect(try await store.parts(of: version, after: 9_998, limit: 5).map(\.number) == [9_999, 10_000])
            #expect(try await store.list(ListRequest(), in: bucket).entries.count == 2)

            let copy = try await store.copy(version, to: "copy", in: bucket, CopyOptions())
            #expect(copy.size == size && copy.etag == version.etag)
            _ = try await store.delete(DeleteRequest(key: "huge"), in: bucket)
            #expect(try await store.get("copy", in: bucket, size - 10..<size) == [UInt8](repeating: 5, count: 10))
            _ = try await store.delete(DeleteRequest(key: "copy"), in: bucket)
            let left = try Dump.rows(harness.metadata, .references).keys.filter { $0[40] != UInt8(ascii: "m") }
            #expect(left.count == 1, "the small object's")

            let watched = try #require(harness.metadata as? WatchedMetadata)
            // A list of manifests is taken in slices of 4,096.
            #expect(watched.largestBatch <= IndexUpdater.changesMaximum + 4096)
            withExtendedLifetime(pins) {}
        }
    }

    @Test("parts with more manifests than one record can list are refused, and nothing breaks")
    func tooManyManifests() async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let upload = try await store.createUpload("huge", in: bucket)
            let count = LogRecord.bodyMaximum / ManifestReference.byteCount / 2 + 10
            let list = [UInt8](repeating: 0, count: count * ManifestReference.byteCount)
            let parts = try await store.committer.commit(.everything) { context throws(ObjectError) in
                (1...2).map { number in
                    let record = PartRecord(
                        tenant: bucket.tenant, id: context.stamp(), bucket: bucket.id, upload: upload.id, number: number, size: 5 << 20,
                        md5: MD5Digest(of: []), checksum: nil, manifestCount: count)
                    context.append(LogRecord(kind: .part, fields: record.fields, body: list[...]))
                    return record.uploaded
                }
            }
            let error = await #expect(throws: ObjectError.self) { try await store.complete(upload, in: bucket, parts) }
            #expect(error?.code == .entityTooLarge)
            try await store.put([1], as: "a", in: bucket)
        }
    }
}
