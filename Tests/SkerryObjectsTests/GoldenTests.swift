import Foundation
import SkerryChunks
import SkerryCRDT
import SkerryStorage
import Testing

@testable import SkerryObjects

/// The values whose bytes stand in `Golden`, each with the way from bytes to value and back to bytes.
///
/// `docs/formats/metadata.md` takes its examples from these files. A change of their bytes is a change of the format.
struct GoldenCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    var recode: @Sendable ([UInt8]) throws(StorageError) -> [UInt8]

    init(_ name: String, _ bytes: [UInt8], _ recode: @escaping @Sendable ([UInt8]) throws(StorageError) -> [UInt8]) {
        testDescription = name
        self.bytes = bytes
        self.recode = recode
    }
}

private enum Sample {
    static let origin = OriginID(rawValue: 0x0123_4567_89AB_CDEF)
    static let tenant = TenantID(rawValue: 0x7E)
    static let bucket = BucketID(rawValue: 0xB0)
    static let key = ObjectKey(trusted: Array("a/".utf8) + [0])
    static let location = RecordLocation(position: LogPosition(pack: 3, offset: 300), fieldsLength: 128, bodyLength: 5)
    static let digest = Digest(of: Array("skerry".utf8))
    static let md5 = MD5Digest(of: Array("skerry".utf8))
    static let context = CausalContext(covering: [Dot(origin: origin, sequence: 299)])

    static func id(_ count: UInt16) -> VersionID {
        VersionID(time: HybridTimestamp(milliseconds: 1_800_000_000_000, count: count), origin: origin)
    }

    static func dot(_ sequence: UInt64) -> Dot { Dot(origin: origin, sequence: sequence) }

    static func checksum(_ algorithm: ChecksumAlgorithm) -> ChecksumValue {
        var state = ChecksumState(algorithm)
        Array("skerry".utf8).withUnsafeBytes { state.update($0) }
        return state.finalize()
    }

    static func version(_ body: ObjectBody, partCount: Int = 0, isNull: Bool = true, isDeleteMarker: Bool = false) -> ObjectVersion {
        ObjectVersion(
            bucket: bucket, key: key, id: id(1), isNull: isNull, isDeleteMarker: isDeleteMarker, dot: dot(300), context: context, size: 6,
            etag: ETag(md5: md5, partCount: partCount),
            checksum: isDeleteMarker
                ? nil
                : ObjectChecksum(
                    value: checksum(.crc64nvme), kind: partCount == 0 ? .fullObject : .composite, partCount: partCount),
            metadata: ObjectMetadata(
                contentType: "text/plain", headers: [.init(name: "cache-control", value: "no-store")],
                user: [.init(name: "colour", value: "blå")]),
            partCount: partCount, body: body, location: location)
    }

    static func record(_ body: ObjectBody, partCount: Int = 0, isNull: Bool = true, isDeleteMarker: Bool = false) -> VersionRecord {
        VersionRecord(
            tenant: tenant, version: version(body, partCount: partCount, isNull: isNull, isDeleteMarker: isDeleteMarker),
            replaces: isNull ? [id(0)] : [])
    }

    static let upload = MultipartUpload(
        id: id(2), bucket: bucket, key: key, initiator: "alice", metadata: ObjectMetadata(), checksum: .sha256, checksumKind: .composite,
        checksumNamed: true)
    static let part = PartRecord(
        tenant: tenant, id: id(3), bucket: bucket, upload: id(2), number: 10_000, size: 6, md5: md5, checksum: checksum(.sha256),
        manifestCount: 1)
    static let bucketValue = Bucket(
        id: bucket, name: "bucket", owner: "alice", tenant: tenant, created: id(0).time, region: "here", versioning: .suspended)
    static let user = User(id: "alice", displayName: "Alice", email: "alice@example.org", tenant: tenant, isRoot: true)
    static let accessKey = AccessKey(id: "SKEXAMPLE", secret: "not-a-secret", user: "alice", created: 1_800_000_000_000)
}

extension [UInt8] {
    fileprivate func parsed<Value>(_ body: (UnsafeRawBufferPointer) throws(StorageError) -> Value) throws(StorageError) -> Value {
        try withUnsafeBytes { bytes in Result { () throws(StorageError) in try body(bytes) } }.get()
    }
}

@Suite("Bytes of records and rows")
struct GoldenTests {
    static let records: [GoldenCase] = [
        GoldenCase("record-01-origin", OriginRecord(origin: Sample.origin, siteName: "sk\u{E6}r").fields) { bytes throws(StorageError) in
            try OriginRecord(fields: bytes).fields
        },
        GoldenCase("record-02-chunk", BlockRecord(tenant: Sample.tenant, digest: Sample.digest).fields) { bytes throws(StorageError) in
            try BlockRecord(fields: bytes).fields
        },
        GoldenCase("record-03-manifest", BlockRecord(tenant: Sample.tenant, digest: Sample.digest).fields) { bytes throws(StorageError) in
            try BlockRecord(fields: bytes).fields
        },
        version("record-04-version-inline", Sample.record(.inline)),
        version("record-04-version-chunks", Sample.record(.chunks([ManifestEntry(digest: Sample.digest, length: 6)]), isNull: false)),
        version("record-04-version-manifests", Sample.record(.manifests(count: 2), partCount: 2)),
        version("record-04-version-delete-marker", Sample.record(.inline, isNull: false, isDeleteMarker: true)),
        GoldenCase(
            "record-05-tombstone",
            TombstoneRecord(
                id: Sample.id(4), bucket: Sample.bucket, key: Sample.key, dot: Sample.dot(301), context: Sample.context,
                removed: [Sample.id(1)],
                isOfNull: true
            ).fields
        ) { bytes throws(StorageError) in try TombstoneRecord(fields: bytes).fields },
        GoldenCase(
            "record-06-bucket", SettingRecord(id: Sample.id(5), dot: Sample.dot(302), value: Sample.bucketValue).fields { $0.write($1) }
        ) { bytes throws(StorageError) in try Setting.bucket(bytes).fields { $0.write($1) } },
        removal("record-07-bucket-removal", 6, 303, "bucket"), removal("record-09-user-removal", 6, 303, "alice"),
        removal("record-11-access-key-removal", 6, 303, "SKEXAMPLE"),
        GoldenCase("record-08-user", SettingRecord(id: Sample.id(7), dot: Sample.dot(304), value: Sample.user).fields { $0.write($1) }) {
            bytes throws(StorageError) in try Setting.user(bytes).fields { $0.write($1) }
        },
        GoldenCase(
            "record-10-access-key", SettingRecord(id: Sample.id(8), dot: Sample.dot(305), value: Sample.accessKey).fields { $0.write($1) }
        ) { bytes throws(StorageError) in try Setting.accessKey(bytes).fields { $0.write($1) } },
        GoldenCase("record-12-upload", UploadRecord(tenant: Sample.tenant, upload: Sample.upload).fields) { bytes throws(StorageError) in
            try UploadRecord(fields: bytes[...]).fields
        },
        GoldenCase("record-13-part", Sample.part.fields) { bytes throws(StorageError) in try PartRecord(fields: bytes[...]).fields },
        end("record-14-upload-end-completed", .init(version: Sample.id(1), request: Sample.digest)),
        end("record-14-upload-end-aborted", nil),
        GoldenCase("record-15-group", GroupRecord(count: 300).fields) { bytes throws(StorageError) in try GroupRecord(fields: bytes).fields
        },
        GoldenCase("body-manifests", ManifestReference.bytes([ManifestReference(digest: Sample.digest, end: 6)])) {
            bytes throws(StorageError) in
            ManifestReference.bytes(try ManifestReference.parse(bytes[...]))
        },
        GoldenCase(
            "body-parts",
            PartEntry.bytes([
                PartEntry(number: 1, end: 5 << 20, checksum: Sample.checksum(.crc64nvme).bytes),
                PartEntry(number: 10_000, end: (5 << 20) + 1, checksum: []),
            ])
        ) { bytes throws(StorageError) in PartEntry.bytes(try PartEntry.parse(bytes[...])) },
    ]

    private static func removal(_ name: String, _ count: UInt16, _ sequence: UInt64, _ value: String) -> GoldenCase {
        let record = SettingRecord(id: Sample.id(count), dot: Sample.dot(sequence), value: value)
        return GoldenCase(name, record.fields { $0.write($1) }) { bytes throws(StorageError) in
            try Setting.name(bytes).fields { $0.write($1) }
        }
    }

    private static func version(_ name: String, _ record: VersionRecord) -> GoldenCase {
        GoldenCase(name, record.fields) { bytes throws(StorageError) in
            try VersionRecord(fields: bytes[...], location: Sample.location).fields
        }
    }

    private static func end(_ name: String, _ completion: UploadEndRecord.Completion?) -> GoldenCase {
        let record = UploadEndRecord(
            bucket: Sample.bucket, key: Sample.key, upload: Sample.id(2), time: Sample.id(9).time, completion: completion)
        return GoldenCase(name, record.fields) { bytes throws(StorageError) in try UploadEndRecord(fields: bytes[...]).fields }
    }

    static let rows: [GoldenCase] = [
        GoldenCase("row-located", LocatedRow.bytes(Sample.location, GroupRecord(count: 300).fields)) { bytes throws(StorageError) in
            let (location, fields) = try LocatedRow.parse(bytes[...])
            return LocatedRow.bytes(location, Array(fields))
        },
        GoldenCase("row-current", CurrentRow(Sample.version(.inline)).bytes) { bytes throws(StorageError) in try CurrentRow(bytes).bytes },
        GoldenCase("row-chunk", ChunkRow(location: Sample.location, isManifest: true).bytes) { bytes throws(StorageError) in
            try ChunkRow(bytes).bytes
        },
        feed("row-feed-version", .version(Sample.bucket, Sample.key, Sample.id(1))),
        feed("row-feed-tombstone", .tombstone(Sample.bucket, Sample.key)),
        feed("row-feed-bucket", .bucket("bucket")), feed("row-feed-user", .user("alice")),
        feed("row-feed-access-key", .accessKey("SKEXAMPLE")),
        GoldenCase("row-applied", applied.bytes) { bytes throws(StorageError) in try AppliedRow(bytes).bytes },
    ]

    private static var applied: AppliedRow {
        var row = AppliedRow()
        row.position = LogPosition(pack: 3, offset: 300)
        row.origin = Sample.origin
        row.siteName = "sk\u{E6}r"
        row.sequence = 305
        row.clock = Sample.id(8).time
        return row
    }

    private static func feed(_ name: String, _ change: FeedRow.Change) -> GoldenCase {
        GoldenCase(name, FeedRow(time: Sample.id(1).time, change: change).bytes) { bytes throws(StorageError) in try FeedRow(bytes).bytes }
    }

    static let keys: [GoldenCase] = [
        GoldenCase("key-version", IndexKey.version(Sample.bucket, Sample.key, Sample.id(1))) { bytes throws(StorageError) in
            let (key, id) = try bytes.parsed { bytes throws(StorageError) in try IndexKey.parseVersion(bytes) }
            return IndexKey.version(Sample.bucket, key, id)
        },
        key("key-current", IndexKey.current(Sample.bucket, Sample.key)),
        GoldenCase("key-chunk", IndexKey.chunk(Sample.tenant, Sample.digest)) { bytes throws(StorageError) in
            let (tenant, digest) = try bytes.parsed { bytes throws(StorageError) in try IndexKey.parseChunk(bytes) }
            return IndexKey.chunk(tenant, digest)
        },
        key("key-reference-version", IndexKey.reference(Sample.tenant, Sample.digest, from: .version(Sample.id(1)))),
        key("key-reference-part", IndexKey.reference(Sample.tenant, Sample.digest, from: .part(Sample.id(3)))),
        key("key-reference-manifest", IndexKey.reference(Sample.tenant, Sample.digest, from: .manifest(Sample.digest))),
        key("key-upload", IndexKey.upload(Sample.bucket, Sample.key, Sample.id(2))), key("key-part", IndexKey.part(Sample.id(2), 10_000)),
        key("key-completion", IndexKey.completion(Sample.id(2))), key("key-feed", IndexKey.feed(Sample.dot(300))),
        key("key-bucket", IndexKey.bucket("bucket")), key("key-user", IndexKey.user("alice")),
        key("key-access-key", IndexKey.accessKey("SKEXAMPLE")), key("key-applied", IndexKey.applied),
    ]

    private static func key(_ name: String, _ bytes: [UInt8]) -> GoldenCase { GoldenCase(name, bytes) { bytes in bytes } }

    static var all: [GoldenCase] { records + rows + keys }

    @Test("are as they were, and read as the same values", arguments: all)
    func golden(_ test: GoldenCase) throws {
        let url = try #require(Bundle.module.url(forResource: "Golden/\(test.testDescription)", withExtension: "hex"))
        let text = try String(contentsOf: url, encoding: .utf8)
        let digits = text.filter { !$0.isWhitespace }
        let bytes = try stride(from: 0, to: digits.count, by: 2).map { offset in
            let start = digits.index(digits.startIndex, offsetBy: offset)
            return try #require(UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16))
        }
        #expect(test.bytes == bytes, "now: \(test.bytes.map { String($0, radix: 16) })")
        #expect(try test.recode(bytes) == bytes)
    }

    @Test(
        "later fields at the end are passed over",
        arguments: records.filter { $0.testDescription.hasPrefix("record") } + rows.filter { $0.testDescription != "row-located" })
    func laterFields(_ test: GoldenCase) throws {
        #expect(try test.recode(test.bytes + [1, 2, 3]) == test.bytes)
    }

    @Test("bytes that end early or are changed give a value or an error, never a trap", arguments: records + rows)
    func hostile(_ test: GoldenCase) {
        for end in 0..<test.bytes.count {
            // A list of lists may end behind any of its entries; a located row behind its place.
            guard !test.testDescription.hasPrefix("body"), test.testDescription != "row-located" else { continue }
            #expect(throws: StorageError.self, "\(end) bytes") { try test.recode(Array(test.bytes[..<end])) }
        }
        var generator = SplitMix64(seed: 1)
        for _ in 0..<300 {
            var bytes = test.bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? test.recode(bytes)
            _ = try? test.recode(randomBytes(Int.random(in: 0...200, using: &generator), seed: generator.next()))
            // Lengths and counts at their worst.
            _ = try? test.recode([UInt8](repeating: 0xFF, count: Int.random(in: 0...40, using: &generator)) + bytes)
        }
    }

    @Test("keys of versions sort as key, then newest first, and come back from their bytes")
    func orderOfKeys() throws {
        var generator = SplitMix64(seed: 7)
        let alphabet: [UInt8] = [0, 1, 0xFE, 0xFF, 0x2F, 0x61]
        var pairs: [(ObjectKey, VersionID)] = []
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 1...4, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            let time = HybridTimestamp(rawValue: UInt64.random(in: 0...3, using: &generator))
            pairs.append(
                (ObjectKey(trusted: bytes), VersionID(time: time, origin: OriginID(rawValue: UInt64.random(in: 0...3, using: &generator)))))
        }
        let rows = pairs.map { (IndexKey.version(Sample.bucket, $0.0, $0.1), $0) }
        for (row, pair) in rows {
            let parsed = try row.parsed { row throws(StorageError) in try IndexKey.parseVersion(row) }
            #expect(parsed.key == pair.0 && parsed.id == pair.1)
            for (otherRow, other) in rows {
                let isBefore = pair.0 == other.0 ? pair.1 > other.1 : pair.0 < other.0
                #expect(row.lexicographicallyPrecedes(otherRow) == isBefore)
            }
            #expect(row.lexicographicallyPrecedes(IndexKey.versionsEnd(of: pair.0, in: Sample.bucket)))
        }
    }

    @Test("version ids print as digits that sort as they do, and are read back")
    func versionIDs() {
        let ids = [
            Sample.id(0), Sample.id(1), VersionID(time: .zero, origin: OriginID(rawValue: 0)),
            VersionID(time: HybridTimestamp(rawValue: .max), origin: OriginID(rawValue: .max)),
        ]
        for id in ids {
            #expect(id.description.count == 32)
            #expect(VersionID(id.description) == id)
            for other in ids { #expect((id < other) == (id.description < other.description)) }
        }
        for text in ["", "null", String(repeating: "g", count: 32), String(repeating: "0", count: 31), String(repeating: "A", count: 32)] {
            #expect(VersionID(text) == nil)
        }
    }

    @Test(
        "names of buckets follow the rules of S3",
        arguments: [
            ("abc", true), ("a.b-c1", true), (String(repeating: "a", count: 63), true), ("ab", false),
            (String(repeating: "a", count: 64), false),
            ("Abc", false), ("a_b", false), ("-ab", false), ("ab-", false), (".ab", false), ("a..b", false), ("1.2.3.4", false),
            ("1.2.3.400", true), ("xn--abc", false), ("sthree-abc", false), ("abc-s3alias", false), ("abc--ol-s3", false),
            ("bl\u{E5}", false),
        ])
    func bucketNames(_ name: String, _ isValid: Bool) {
        do throws(ObjectError) {
            try Bucket.checkName(name)
            #expect(isValid)
        } catch {
            #expect(!isValid && error.code == .invalidBucketName)
        }
    }
}
