import SkerryCRDT
import SkerryStorage
import Testing

@testable import SkerryObjects

@Suite("Conditions")
struct ConditionTests {
    private static let etag = ETag(of: [1, 2, 3])
    /// Milliseconds; the conditions count seconds.
    private static let modified: UInt64 = 1_800_000_000_700
    private static let second = Int64(modified / 1000)

    private static var version: ObjectVersion {
        let id = VersionID(time: HybridTimestamp(milliseconds: modified, count: 0), origin: OriginID(rawValue: 1))
        return ObjectVersion(
            bucket: BucketID(rawValue: 1), key: "a", id: id, isNull: true, isDeleteMarker: false, dot: Dot(origin: id.origin, sequence: 1),
            context: CausalContext(), size: 3, etag: etag, checksum: nil, metadata: ObjectMetadata(), partCount: 0, body: .inline,
            location: .none)
    }

    struct ReadCase: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var conditions: ReadConditions
        var code: ObjectError.Code?
        var header: String?

        init(_ name: String, _ conditions: ReadConditions, _ code: ObjectError.Code? = nil, _ header: String? = nil) {
            testDescription = name
            self.conditions = conditions
            self.code = code
            self.header = header
        }
    }

    private static let match = ETagPattern.tags(["other", etag.description])
    private static let other = ETagPattern.tags(["other"])

    static let readCases: [ReadCase] = [
        ReadCase("none", ReadConditions()),
        ReadCase("If-Match, any", ReadConditions(ifMatch: .any)),
        ReadCase("If-Match, the tag", ReadConditions(ifMatch: match)),
        ReadCase("If-Match, another", ReadConditions(ifMatch: other), .preconditionFailed, "If-Match"),
        ReadCase("If-None-Match, any", ReadConditions(ifNoneMatch: .any), .notModified, "If-None-Match"),
        ReadCase("If-None-Match, the tag", ReadConditions(ifNoneMatch: match), .notModified, "If-None-Match"),
        ReadCase("If-None-Match, another", ReadConditions(ifNoneMatch: other)),
        ReadCase("modified since before", ReadConditions(ifModifiedSince: second - 1)),
        ReadCase("modified since the same second", ReadConditions(ifModifiedSince: second), .notModified, "If-Modified-Since"),
        ReadCase("unmodified since the same second", ReadConditions(ifUnmodifiedSince: second)),
        ReadCase("unmodified since before", ReadConditions(ifUnmodifiedSince: second - 1), .preconditionFailed, "If-Unmodified-Since"),
        ReadCase("a matching tag overrules If-Unmodified-Since", ReadConditions(ifMatch: match, ifUnmodifiedSince: second - 1)),
        ReadCase("a tag that differs overrules If-Modified-Since", ReadConditions(ifNoneMatch: other, ifModifiedSince: second)),
        ReadCase(
            "If-Match comes before If-None-Match", ReadConditions(ifMatch: other, ifNoneMatch: match), .preconditionFailed, "If-Match"),
    ]

    @Test("of reads, in the order of RFC 9110", arguments: readCases)
    func reads(_ test: ReadCase) {
        do throws(ObjectError) {
            try test.conditions.check(ConditionTests.version)
            #expect(test.code == nil)
        } catch {
            #expect(error.code == test.code)
            #expect(error.condition == test.header)
            #expect(error.version == ConditionTests.version)
        }
    }

    struct WriteCase: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var conditions: WriteConditions
        /// When the object is there.
        var present: ObjectError.Code?
        /// When it is not.
        var absent: ObjectError.Code?

        init(
            _ name: String, present: ObjectError.Code? = nil, absent: ObjectError.Code? = nil, _ change: (inout WriteConditions) -> Void
        ) {
            testDescription = name
            conditions = WriteConditions()
            change(&conditions)
            self.present = present
            self.absent = absent
        }
    }

    static let writeCases: [WriteCase] = [
        WriteCase("none") { _ in },
        WriteCase("If-Match, any", absent: .noSuchKey) { $0.ifMatch = .any },
        WriteCase("If-Match, the tag", absent: .noSuchKey) { $0.ifMatch = match },
        WriteCase("If-Match, another", present: .preconditionFailed, absent: .noSuchKey) { $0.ifMatch = other },
        WriteCase("If-None-Match, any", present: .preconditionFailed) { $0.ifNoneMatch = .any },
        WriteCase("If-None-Match, the tag", present: .preconditionFailed) { $0.ifNoneMatch = match },
        WriteCase("If-None-Match, another") { $0.ifNoneMatch = other },
        WriteCase("modified since before") { $0.ifModifiedSince = second - 1 },
        WriteCase("modified since the same second", present: .preconditionFailed) { $0.ifModifiedSince = second },
        WriteCase("unmodified since the same second") { $0.ifUnmodifiedSince = second },
        WriteCase("unmodified since before", present: .preconditionFailed) { $0.ifUnmodifiedSince = second - 1 },
        WriteCase("the size", absent: .noSuchKey) { $0.ifMatchSize = 3 },
        WriteCase("another size", present: .preconditionFailed, absent: .noSuchKey) { $0.ifMatchSize = 4 },
        WriteCase("the time", absent: .noSuchKey) { $0.ifMatchLastModified = second },
        WriteCase("another time", present: .preconditionFailed, absent: .noSuchKey) { $0.ifMatchLastModified = second + 1 },
    ]

    @Test("of writes, alone", arguments: writeCases)
    func writes(_ test: WriteCase) {
        func outcome(_ subject: WriteConditions.Subject?) -> ObjectError.Code? {
            do throws(ObjectError) {
                try test.conditions.check(subject)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(outcome(WriteConditions.Subject(ConditionTests.version)) == test.present)
        #expect(outcome(WriteConditions.Subject(CurrentRow(ConditionTests.version))) == test.present)
        #expect(outcome(nil) == test.absent)
    }

    @Test("of puts, deletes, copies and completions, in the store", arguments: writeCases)
    func store(_ test: WriteCase) async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            harness.clock.set(ConditionTests.modified)
            try await store.put([9], as: "source", in: bucket)
            let source = try await store.version("source", .current, in: bucket)
            func attempt(_ body: () async throws(ObjectError) -> Void) async -> ObjectError.Code? {
                do throws(ObjectError) {
                    try await body()
                    return nil
                } catch {
                    return error.code
                }
            }
            for isPresent in [true, false] {
                let expected = isPresent ? test.present : test.absent
                func prepare() async throws {
                    if isPresent {
                        try await store.put([1, 2, 3], as: "a", in: bucket)
                    } else {
                        _ = try await store.delete(DeleteRequest(key: "a"), in: bucket)
                    }
                }
                try await prepare()
                let put = await attempt { () throws(ObjectError) in
                    try await store.put([5], as: "a", in: bucket, PutOptions(conditions: test.conditions))
                }
                #expect(put == expected, "put")
                try await prepare()
                let delete = await attempt { () throws(ObjectError) in
                    _ = try await store.delete(DeleteRequest(key: "a", conditions: test.conditions), in: bucket)
                }
                #expect(delete == expected, "delete")
                try await prepare()
                let copy = await attempt { () throws(ObjectError) in
                    _ = try await store.copy(source, to: "a", in: bucket, CopyOptions(conditions: test.conditions))
                }
                #expect(copy == expected, "copy")
                try await prepare()
                let complete = await attempt { () throws(ObjectError) in
                    let upload = try await store.createUpload("a", in: bucket)
                    let part = try await store.putPart(1, [5], of: upload, in: bucket)
                    _ = try await store.complete(
                        upload.id, "a", in: bucket, parts: [CompletedPart(number: 1, etag: part.etag.description)], checksum: nil,
                        kind: nil,
                        size: nil, conditions: test.conditions)
                }
                #expect(complete == expected, "complete")
                try await prepare()
                let early = await attempt { () throws(ObjectError) in try await store.checkEarly(test.conditions, "a", in: bucket) }
                #expect(early == expected, "early")
            }
        }
    }

    @Test("a delete marker is no object: writes that want none succeed, those that want one fail")
    func deleteMarkers() async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket(versioning: .enabled)
            try await store.put([1], as: "a", in: bucket)
            _ = try await store.delete(DeleteRequest(key: "a"), in: bucket)
            let marker = await #expect(throws: ObjectError.self) { try await store.get("a", in: bucket) }
            #expect(marker?.code == .deleteMarker && marker?.version?.isDeleteMarker == true)
            var conditions = WriteConditions()
            conditions.ifMatch = .any
            let error = await #expect(throws: ObjectError.self) {
                try await store.put([2], as: "a", in: bucket, PutOptions(conditions: conditions))
            }
            #expect(error?.code == .noSuchKey)
            conditions = WriteConditions()
            conditions.ifNoneMatch = .any
            try await store.put([2], as: "a", in: bucket, PutOptions(conditions: conditions))
            #expect(try await store.get("a", in: bucket) == [2])
        }
    }

    @Test("of two hundred writers who want to be first, one is", arguments: EngineKind.allCases)
    func onlyOne(_ kind: EngineKind) async throws {
        var configuration = HarnessConfiguration()
        configuration.threads = 3
        try await Harness.with(kind, configuration) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            var conditions = WriteConditions()
            conditions.ifNoneMatch = .any
            let options = PutOptions(conditions: conditions)
            let winners = await withTaskGroup(of: Int?.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        do throws(ObjectError) {
                            try await store.put(Array("\(number)".utf8), as: "a", in: bucket, options)
                            return number
                        } catch {
                            #expect(error.code == .preconditionFailed && error.condition == "If-None-Match")
                            return nil
                        }
                    }
                }
                return await group.reduce(into: [Int]()) { if let number = $1 { $0.append(number) } }
            }
            #expect(winners.count == 1)
            #expect(try await store.get("a", in: bucket) == Array("\(winners[0])".utf8))
        }
    }

    @Test("a counter that is compared and swapped loses no increment", arguments: EngineKind.allCases)
    func counter(_ kind: EngineKind) async throws {
        var configuration = HarnessConfiguration()
        configuration.threads = 3
        try await Harness.with(kind, configuration) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            try await store.put(Array("0".utf8), as: "counter", in: bucket)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var left = 20
                        while left > 0 {
                            let reader = try await store.open("counter", .current, in: bucket) { _ throws(ObjectError) in nil }
                            let value = Int(String(decoding: try await reader.rest(), as: UTF8.self)) ?? -1
                            var conditions = WriteConditions()
                            conditions.ifMatch = .tags([reader.version.etag.description])
                            do throws(ObjectError) {
                                try await store.put(
                                    Array("\(value + 1)".utf8), as: "counter", in: bucket, PutOptions(conditions: conditions))
                                left -= 1
                            } catch {
                                #expect(error.code == .preconditionFailed)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.get("counter", in: bucket) == Array("160".utf8))
        }
    }
}
