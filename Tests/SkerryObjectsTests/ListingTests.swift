import SkerryStorage
import Testing

@testable import SkerryObjects

/// A name as a naive listing makes it: a key, or a common prefix.
private enum Name: Equatable, CustomStringConvertible {
    case key([UInt8])
    case prefix([UInt8])

    var bytes: [UInt8] {
        switch self {
        case .key(let bytes), .prefix(let bytes): bytes
        }
    }

    var description: String {
        switch self {
        case .key(let bytes): "key \(bytes)"
        case .prefix(let bytes): "prefix \(bytes)"
        }
    }
}

/// What S3 says of a listing, said naively: filter, roll up, sort, cut.
private func naiveNames(_ keys: [[UInt8]], prefix: [UInt8], delimiter: [UInt8]) -> [Name] {
    var names: [Name] = []
    for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) where key.starts(with: prefix) {
        if !delimiter.isEmpty, let common = commonPrefix(of: key, prefix: prefix, delimiter: delimiter) {
            if names.last != .prefix(common) { names.append(.prefix(common)) }
        } else {
            names.append(.key(key))
        }
    }
    return names
}

private func commonPrefix(of key: [UInt8], prefix: [UInt8], delimiter: [UInt8]) -> [UInt8]? {
    guard key.count >= prefix.count + delimiter.count else { return nil }
    for start in prefix.count...key.count - delimiter.count where Array(key[start..<start + delimiter.count]) == delimiter {
        return Array(key[..<(start + delimiter.count)])
    }
    return nil
}

private struct Query: CustomStringConvertible {
    var prefix: [UInt8]
    var delimiter: [UInt8]
    var after: [UInt8]
    var limit: Int

    var description: String { "prefix \(prefix), delimiter \(delimiter), after \(after), pages of \(limit)" }

    /// Bytes that sort and escape in all the ways that matter, and pieces of characters of several bytes.
    static let alphabet: [[UInt8]] = [[0], [0xFF], Array("/".utf8), Array("a".utf8), Array("b".utf8), Array("ä".utf8), [1], [0, 0xFF]]
    static let delimiters: [[UInt8]] = [[], Array("/".utf8), [0], [0xFF], Array("ab".utf8), Array("ä".utf8), Array("a/".utf8), [0, 0xFF]]

    static func word(_ length: ClosedRange<Int>, _ generator: inout SplitMix64) -> [UInt8] {
        (0..<Int.random(in: length, using: &generator)).flatMap { _ in alphabet.randomElement(using: &generator) ?? [] }
    }

    init(_ keys: [[UInt8]], _ generator: inout SplitMix64) {
        prefix = Bool.random(using: &generator) ? [] : Query.word(0...2, &generator)
        delimiter = Query.delimiters.randomElement(using: &generator) ?? []
        switch UInt8.random(in: 0..<4, using: &generator) {
        case 0: after = keys.randomElement(using: &generator) ?? []
        case 1: after = prefix + Query.word(0...3, &generator)
        default: after = []
        }
        limit = Int.random(in: 1...7, using: &generator)
    }
}

private func randomKeys(_ count: Int, _ generator: inout SplitMix64) -> [[UInt8]] {
    var keys = Set<[UInt8]>()
    while keys.count < count { keys.insert(Query.word(1...5, &generator)) }
    return keys.sorted { $0.lexicographicallyPrecedes($1) }
}

@Suite("Listings agree with a naive one")
struct ListingTests {
    @Test("objects, page by page", arguments: EngineKind.allCases)
    func objects(_ kind: EngineKind) async throws {
        try await Harness.with(kind) { harness in
            let bucket = try await harness.makeBucket()
            let neighbour = try await harness.makeBucket("neighbour")
            var generator = SplitMix64(seed: 1)
            let keys = randomKeys(120, &generator)
            for key in keys {
                try await harness.store.put([], as: ObjectKey(key), in: bucket)
                try await harness.store.put([], as: ObjectKey(key), in: neighbour)
            }
            for _ in 0..<300 {
                let query = Query(keys, &generator)
                let expected = naiveNames(keys, prefix: query.prefix, delimiter: query.delimiter)
                    .filter { query.after.isEmpty || query.after.lexicographicallyPrecedes($0.bytes) }
                let listed = try await self.pages(query, in: bucket, harness.store)
                #expect(listed == expected, "\(query)")
            }
        }
    }

    /// All pages of a listing, whose sizes are checked.
    private func pages(_ query: Query, in bucket: Bucket, _ store: ObjectStore) async throws -> [Name] {
        var request = ListRequest()
        request.prefix = query.prefix
        request.delimiter = query.delimiter
        request.after = query.after
        request.limit = query.limit
        var names: [Name] = []
        while true {
            let page = try await store.list(request, in: bucket)
            names += page.entries.map { entry in
                switch entry {
                case .object(let object): .key(object.key.bytes)
                case .commonPrefix(let prefix): .prefix(prefix)
                }
            }
            guard page.isTruncated else { return names }
            try #require(page.entries.count == query.limit, "\(query)")
            request.after = try #require(page.next)
        }
    }

    @Test("versions and delete markers, page by page", arguments: EngineKind.allCases)
    func versions(_ kind: EngineKind) async throws {
        try await Harness.with(kind) { harness in
            let store = harness.store
            var bucket = try await harness.makeBucket()
            var generator = SplitMix64(seed: 2)
            let keys = randomKeys(60, &generator)
            for versioning in [Bucket.Versioning.unversioned, .enabled, .enabled, .suspended, .enabled] {
                if versioning != .unversioned { bucket = try await store.setVersioning(versioning, of: bucket) }
                for key in keys where Bool.random(using: &generator) {
                    if Bool.random(using: &generator) || versioning == .unversioned {
                        try await store.put([], as: ObjectKey(key), in: bucket)
                    } else {
                        _ = try await store.delete(DeleteRequest(key: ObjectKey(key)), in: bucket)
                    }
                }
            }
            let all = try await self.versionPages(VersionListRequest(), in: bucket, store)
            let counted = try Dump.rows(harness.metadata, .versions).count
            #expect(all.count == counted)
            for _ in 0..<300 {
                var query = Query(keys, &generator)
                if Bool.random(using: &generator) { query.after = [] }
                var request = VersionListRequest()
                request.prefix = query.prefix
                request.delimiter = query.delimiter
                request.keyMarker = query.after
                request.limit = query.limit
                let expected = self.naiveVersions(all, query)
                let listed = try await self.versionPages(request, in: bucket, store)
                #expect(listed == expected, "\(query)")
            }
        }
    }

    private enum VersionName: Equatable {
        case version([UInt8], String, isLatest: Bool)
        case prefix([UInt8])
    }

    private func naiveVersions(_ all: [VersionName], _ query: Query) -> [VersionName] {
        var names: [VersionName] = []
        for case .version(let key, let text, let isLatest) in all where key.starts(with: query.prefix) {
            let common = query.delimiter.isEmpty ? nil : commonPrefix(of: key, prefix: query.prefix, delimiter: query.delimiter)
            let name = common ?? key
            guard query.after.isEmpty || query.after.lexicographicallyPrecedes(name) else { continue }
            if let common {
                if names.last != .prefix(common) { names.append(.prefix(common)) }
            } else {
                names.append(.version(key, text, isLatest: isLatest))
            }
        }
        return names
    }

    private func versionPages(_ request: VersionListRequest, in bucket: Bucket, _ store: ObjectStore) async throws -> [VersionName] {
        var request = request
        var names: [VersionName] = []
        while true {
            let page = try await store.listVersions(request, in: bucket)
            names += page.entries.map { entry in
                switch entry {
                case .version(let version, let isLatest): .version(version.key.bytes, version.versionText, isLatest: isLatest)
                case .commonPrefix(let prefix): .prefix(prefix)
                }
            }
            guard page.isTruncated else { return names }
            try #require(page.entries.count == request.limit)
            request.keyMarker = try #require(page.nextKeyMarker)
            request.versionMarker = page.nextVersionMarker.map { text in VersionID(text).map { .id($0) } ?? .null }
        }
    }

    @Test("uploads, page by page", arguments: EngineKind.allCases)
    func uploads(_ kind: EngineKind) async throws {
        try await Harness.with(kind) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            var generator = SplitMix64(seed: 3)
            let keys = randomKeys(50, &generator)
            var ids: [[UInt8]: [UploadID]] = [:]
            for key in keys {
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    ids[key, default: []].append(try await store.createUpload(ObjectKey(key), in: bucket).id)
                }
            }
            for _ in 0..<200 {
                let query = Query(keys, &generator)
                var expected: [String] = []
                for name in naiveNames(keys, prefix: query.prefix, delimiter: query.delimiter)
                where query.after.isEmpty || query.after.lexicographicallyPrecedes(name.bytes) {
                    switch name {
                    case .prefix(let bytes): expected.append("\(bytes)")
                    case .key(let bytes): expected += ids[bytes, default: []].map { "\(bytes) \($0)" }
                    }
                }
                let listed = try await self.uploadPages(query, in: bucket, store)
                #expect(listed == expected, "\(query)")
            }
        }
    }

    private func uploadPages(_ query: Query, in bucket: Bucket, _ store: ObjectStore) async throws -> [String] {
        var marker = query.after
        var uploadMarker: UploadID?
        var names: [String] = []
        while true {
            let page = try await store.listUploads(
                in: bucket, prefix: query.prefix, delimiter: query.delimiter, keyMarker: marker, uploadMarker: uploadMarker,
                limit: query.limit)
            let uploads = page.uploads.map { ($0.key.bytes, "\($0.key.bytes) \($0.id)") }
            let prefixes = page.commonPrefixes.map { ($0, "\($0)") }
            names += (uploads + prefixes).sorted { left, right in
                left.0 == right.0 ? left.1 < right.1 : left.0.lexicographicallyPrecedes(right.0)
            }.map(\.1)
            guard page.isTruncated else { return names }
            try #require(uploads.count + prefixes.count == query.limit)
            marker = try #require(page.nextKeyMarker)
            uploadMarker = page.nextUploadIDMarker
        }
    }

    @Test("a page of nothing is empty and not truncated")
    func limitZero() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put([], as: "a", in: bucket)
            var request = ListRequest()
            request.limit = 0
            let page = try await harness.store.list(request, in: bucket)
            #expect(page.entries.isEmpty && !page.isTruncated)
            var versions = VersionListRequest()
            versions.limit = 0
            #expect(try await harness.store.listVersions(versions, in: bucket).isTruncated == false)
        }
    }

    @Test("a marker longer than any key is a marker all the same")
    func longMarkers() async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket(versioning: .enabled)
            for key: ObjectKey in ["a", "b"] {
                try await store.put([], as: key, in: bucket)
                _ = try await store.createUpload(key, in: bucket)
            }
            let marker = Array("a".utf8) + [UInt8](repeating: 0x7A, count: 2000)
            var request = VersionListRequest()
            request.keyMarker = marker
            #expect(try await store.listVersions(request, in: bucket).entries.count == 1)
            let uploads = try await store.listUploads(
                in: bucket, prefix: [], delimiter: [], keyMarker: marker, uploadMarker: nil, limit: 10)
            #expect(uploads.uploads.map(\.key) == ["b"])
        }
    }

    @Test("the version behind a marker that was removed meanwhile is the latest when it is")
    func latestBehindRemovedMarker() async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket(versioning: .enabled)
            let old = try await store.put([1], as: "a", in: bucket)
            let new = try await store.put([2], as: "a", in: bucket)
            var request = VersionListRequest()
            request.keyMarker = Array("a".utf8)
            request.versionMarker = .id(new.id)
            func flags() async throws -> [Bool] {
                try await store.listVersions(request, in: bucket).entries.map { entry in
                    guard case .version(let version, let isLatest) = entry else { return false }
                    return version.id == old.id && isLatest
                }
            }
            #expect(try await flags() == [false])
            _ = try await store.delete(DeleteRequest(key: "a", selector: .id(new.id)), in: bucket)
            #expect(try await flags() == [true])
        }
    }

    @Test("buckets by name, those of one user or all")
    func buckets() async throws {
        try await Harness.with { harness in
            let store = harness.store
            for number in 0..<9 { _ = try await harness.makeBucket("bucket-\(number)", owner: number % 2 == 0 ? "alice" : "bob") }
            let alice = try #require(store.user("alice"))
            let root = try await store.createUser(id: "root", displayName: "", email: "", isRoot: true)
            func pages(_ user: User, prefix: String = "", limit: Int) throws -> [String] {
                var names: [String] = []
                var after: String?
                while true {
                    let page = store.buckets(of: user, prefix: prefix, after: after, limit: limit)
                    #expect(page.buckets.count <= limit)
                    names += page.buckets.map(\.name)
                    guard let next = page.next else { return names }
                    after = next
                }
            }
            for limit in 1...10 {
                #expect(try pages(alice, limit: limit) == [0, 2, 4, 6, 8].map { "bucket-\($0)" })
                #expect(try pages(root, limit: limit) == (0..<9).map { "bucket-\($0)" })
                #expect(try pages(root, prefix: "bucket-3", limit: limit) == ["bucket-3"])
                #expect(try pages(root, prefix: "c", limit: limit) == [])
            }
            try await harness.reopen()
            #expect(
                harness.store.buckets(of: root, prefix: "", after: "bucket-6", limit: 10).buckets.map(\.name) == ["bucket-7", "bucket-8"])
        }
    }
}
