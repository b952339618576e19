import SkerryCRDT
import SkerryStorage
import Testing

@testable import SkerryObjects

/// A bucket as a list of versions for each key, newest first.
struct BucketModel {
    struct Version: Equatable {
        var id: VersionID
        var isNull: Bool
        var isDeleteMarker: Bool
        var bytes: [UInt8]
    }

    var versioning = Bucket.Versioning.unversioned
    var versions: [ObjectKey: [Version]] = [:]

    mutating func add(_ key: ObjectKey, _ id: VersionID, isDeleteMarker: Bool = false, _ bytes: [UInt8]) {
        let isNull = versioning != .enabled
        if isNull { versions[key]?.removeAll(where: \.isNull) }
        versions[key, default: []].insert(Version(id: id, isNull: isNull, isDeleteMarker: isDeleteMarker, bytes: bytes), at: 0)
    }

    mutating func remove(_ key: ObjectKey, _ id: VersionID) {
        versions[key]?.removeAll { $0.id == id }
        if versions[key]?.isEmpty == true { versions[key] = nil }
    }

    func current(_ key: ObjectKey) -> Version? { versions[key]?.first.flatMap { $0.isDeleteMarker ? nil : $0 } }
}

/// Random operations on a store and on the model of it, from a seed.
final class ModelRun {
    let harness: Harness
    var generator: SplitMix64
    var models: [String: BucketModel] = [:]
    let keys: [ObjectKey]
    var buckets: [Bucket] { get throws { try models.keys.sorted().map { try harness.store.bucket(named: $0) } } }

    init(_ harness: Harness, seed: UInt64) {
        self.harness = harness
        generator = SplitMix64(seed: seed)
        keys = (0..<12).map { ObjectKey(trusted: Array("key/\($0 % 4)/\($0)".utf8) + ($0 % 3 == 0 ? [0, 0xFF] : [])) }
    }

    func makeBuckets() async throws {
        for name in ["plain", "versioned"] {
            _ = try await harness.makeBucket(name)
            models[name] = BucketModel()
        }
    }

    func step() async throws {
        let store = harness.store
        let name = Bool.random(using: &generator) ? "plain" : "versioned"
        let bucket = try store.bucket(named: name)
        let key = keys.randomElement(using: &generator) ?? "key"
        switch UInt8.random(in: 0..<100, using: &generator) {
        case 0..<45:
            let bytes = content()
            let version = try await store.put(bytes, as: key, in: bucket)
            models[name]?.add(key, version.id, bytes)
        case 45..<60: try await deleteCurrent(key, in: bucket)
        case 60..<75: try await deleteVersion(key, in: bucket)
        case 75..<87: try await copy(to: key, in: bucket)
        case 87..<95: try await multipart(key, in: bucket)
        default:
            guard name == "versioned" else { return }
            let versioning: Bucket.Versioning = Bool.random(using: &generator) ? .enabled : .suspended
            _ = try await store.setVersioning(versioning, of: bucket)
            models[name]?.versioning = versioning
        }
    }

    /// Few contents, so that chunks are shared.
    private func content() -> [UInt8] {
        let sizes = [0, 1, 100, 5000, 5000, 70_000, 300_000]
        let size = sizes.randomElement(using: &generator) ?? 0
        return randomBytes(size, seed: UInt64.random(in: 0..<4, using: &generator))
    }

    private func deleteCurrent(_ key: ObjectKey, in bucket: Bucket) async throws {
        let outcome = try await harness.store.delete(DeleteRequest(key: key), in: bucket)
        if bucket.versioning == .unversioned {
            #expect(outcome.version == nil)
            models[bucket.name]?.versions[key] = nil
            return
        }
        #expect(outcome.isDeleteMarker)
        let request = VersionLookup(metadata: harness.metadata, bucket: bucket.id, key: key)
        let marker = try #require(try request.newest()?.version)
        #expect(marker.isDeleteMarker && marker.versionText == outcome.version)
        models[bucket.name]?.add(key, marker.id, isDeleteMarker: true, [])
    }

    private func deleteVersion(_ key: ObjectKey, in bucket: Bucket) async throws {
        let versions = models[bucket.name]?.versions[key] ?? []
        guard let victim = versions.randomElement(using: &generator) else {
            let absent = VersionSelector.id(VersionID(time: .zero, origin: .init(rawValue: 1)))
            #expect(try await harness.store.delete(DeleteRequest(key: key, selector: absent), in: bucket).isDeleteMarker == false)
            return
        }
        let selector: VersionSelector = victim.isNull ? .null : .id(victim.id)
        let outcome = try await harness.store.delete(DeleteRequest(key: key, selector: selector), in: bucket)
        #expect(outcome.isDeleteMarker == victim.isDeleteMarker)
        models[bucket.name]?.remove(key, victim.id)
    }

    private func copy(to key: ObjectKey, in bucket: Bucket) async throws {
        let source = try buckets.randomElement(using: &generator) ?? bucket
        let sourceKey = keys.randomElement(using: &generator) ?? key
        let candidates = models[source.name]?.versions[sourceKey]?.filter { !$0.isDeleteMarker } ?? []
        guard let from = candidates.randomElement(using: &generator) else { return }
        let version = try await harness.store.version(sourceKey, from.isNull ? .null : .id(from.id), in: source)
        let made = try await harness.store.copy(version, to: key, in: bucket, CopyOptions())
        models[bucket.name]?.add(key, made.id, from.bytes)
    }

    private func multipart(_ key: ObjectKey, in bucket: Bucket) async throws {
        let store = harness.store
        let upload = try await store.createUpload(key, in: bucket)
        let bytes = content()
        if Bool.random(using: &generator) { try await store.putPart(7, content(), of: upload, in: bucket) }
        let part = try await store.putPart(7, bytes, of: upload, in: bucket)
        switch UInt8.random(in: 0..<4, using: &generator) {
        case 0: try await store.abort(upload.id, key, in: bucket)
        case 1: break
        default:
            let version = try await store.complete(upload, in: bucket, [part])
            models[bucket.name]?.add(key, version.id, bytes)
        }
    }

    // MARK: Comparing

    func compare(_ when: String) async throws {
        for bucket in try buckets {
            let model = try #require(models[bucket.name])
            try await compareListing(model, bucket, when)
            try await compareVersions(model, bucket, when)
            for key in keys { try await compareObject(model, key, bucket, when) }
        }
    }

    private func compareListing(_ model: BucketModel, _ bucket: Bucket, _ when: String) async throws {
        let expected = keys.filter { model.current($0) != nil }.sorted()
        var request = ListRequest()
        request.limit = Int.random(in: 1...8, using: &generator)
        var listed: [ObjectKey] = []
        var page: ListPage
        repeat {
            page = try await harness.store.list(request, in: bucket)
            for case .object(let object) in page.entries {
                listed.append(object.key)
                #expect(object.size == UInt64(model.current(object.key)?.bytes.count ?? -1), "\(when)")
            }
            request.after = page.next ?? []
        } while page.isTruncated
        #expect(listed == expected, "\(bucket.name) \(when)")
    }

    private func compareVersions(_ model: BucketModel, _ bucket: Bucket, _ when: String) async throws {
        var listed: [ObjectKey: [BucketModel.Version]] = [:]
        var request = VersionListRequest()
        request.limit = Int.random(in: 1...8, using: &generator)
        var page: VersionListPage
        repeat {
            page = try await harness.store.listVersions(request, in: bucket)
            for case .version(let version, let isLatest) in page.entries {
                #expect(isLatest == (listed[version.key] == nil), "\(bucket.name) \(when)")
                let known = model.versions[version.key]?.first { $0.id == version.id }
                listed[version.key, default: []].append(
                    .init(id: version.id, isNull: version.isNull, isDeleteMarker: version.isDeleteMarker, bytes: known?.bytes ?? []))
            }
            request.keyMarker = page.nextKeyMarker ?? []
            request.versionMarker = page.nextVersionMarker.map { VersionID($0).map { .id($0) } ?? .null }
        } while page.isTruncated
        #expect(listed == model.versions, "\(bucket.name) \(when)")
    }

    private func compareObject(_ model: BucketModel, _ key: ObjectKey, _ bucket: Bucket, _ when: String) async throws {
        do throws(ObjectError) {
            let bytes = try await harness.store.get(key, in: bucket)
            #expect(bytes == model.current(key)?.bytes, "\(key) in \(bucket.name) \(when)")
        } catch {
            #expect(model.current(key) == nil, "\(key) in \(bucket.name) \(when): \(error)")
            #expect(error.code == (model.versions[key] == nil ? .noSuchKey : .deleteMarker), "\(when): \(error)")
        }
        guard let version = model.versions[key]?.randomElement(using: &generator), !version.isDeleteMarker else { return }
        let bytes = try await harness.store.get(key, version.isNull ? .null : .id(version.id), in: bucket)
        #expect(bytes == version.bytes, "\(key) in \(bucket.name) \(when)")
    }
}

@Suite("Random operations agree with a plain model")
struct ModelTests {
    private static func configuration() -> HarnessConfiguration {
        var configuration = HarnessConfiguration()
        configuration.packCapacity = 1 << 20
        configuration.options.collectionGrace = 100
        return configuration
    }

    @Test("now, after restarts, crashes, rebuilds and collections", arguments: [1, 2, 3] as [UInt64])
    func inMemory(_ seed: UInt64) async throws {
        try await Harness.with(.memory, ModelTests.configuration()) { harness in
            try await self.run(harness, seed: seed, rounds: 12, steps: 120)
        }
    }

    @Test("over the embedded engines")
    func embedded() async throws {
        try await Harness.with(.embedded, ModelTests.configuration()) { harness in
            try await self.run(harness, seed: 4, rounds: 8, steps: 80)
        }
    }

    private func run(_ harness: Harness, seed: UInt64, rounds: Int, steps: Int) async throws {
        let run = ModelRun(harness, seed: seed)
        try await run.makeBuckets()
        for round in 0..<rounds {
            for _ in 0..<steps {
                harness.clock.advance(by: round % 2 == 0 ? 1 : 0)
                try await run.step()
            }
            let when = "seed \(seed), round \(round)"
            try await run.compare(when)
            let before = try Dump(harness.metadata)
            switch round % 4 {
            case 0: try await harness.reopen()
            case 1 where harness.kind == .memory: try await harness.crash(keeping: .drawn(seed: seed &+ UInt64(round)))
            case 2: try await harness.rebuild()
            default:
                try harness.packs.seal()
                for _ in 0..<3 {
                    harness.clock.advance(by: 100)
                    try await harness.store.collect()
                }
                #expect(try Dump(harness.metadata) == before, "\(when), collected")
                try await harness.rebuild()
            }
            #expect(try Dump(harness.metadata) == before, "\(when), restarted")
            try await run.compare("\(when), restarted")
        }
        let report = try await harness.store.verify { _, _ in }
        #expect(report.problems == [])
    }
}
