import SkerryStorage
import Testing

@testable import SkerryObjects

@Suite("Buckets, users and access keys")
struct SettingsTests {
    private func code(_ body: () async throws(ObjectError) -> Void) async -> ObjectError.Code? {
        do throws(ObjectError) {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("bucket names are unique in the site, and buckets go when they are empty", arguments: EngineKind.allCases)
    func buckets(_ kind: EngineKind) async throws {
        var configuration = HarnessConfiguration()
        configuration.options.bucketsMaximum = 2
        try await Harness.with(kind, configuration) { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let alice = try #require(store.user("alice"))
            let bob = try await store.createUser(id: "bob", displayName: "", email: "", isRoot: false)
            func create(_ name: String, _ owner: User) async -> ObjectError.Code? {
                await code { () throws(ObjectError) in _ = try await store.createBucket(name, owner: owner, region: "here") }
            }
            #expect(await create("bucket", alice) == .bucketAlreadyOwnedByYou)
            #expect(await create("bucket", bob) == .bucketAlreadyExists)
            #expect(await create("Bucket", bob) == .invalidBucketName)
            #expect(await create("second", bob) == nil)
            #expect(await create("third", bob) == .tooManyBuckets)
            try await store.put([1], as: "a", in: bucket)
            #expect(await code { () throws(ObjectError) in try await store.deleteBucket(bucket) } == .bucketNotEmpty)
            _ = try await store.delete(DeleteRequest(key: "a"), in: bucket)
            try await store.deleteBucket(bucket)
            #expect(await code { () throws(ObjectError) in try await store.deleteBucket(bucket) } == .noSuchBucket)
            // A bucket of the same name is another one.
            #expect(await create("bucket", bob) == nil)
            #expect(await code { () throws(ObjectError) in try await store.put([1], as: "a", in: bucket) } == .noSuchBucket)
            let before = try Dump(harness.metadata)
            try await harness.rebuild()
            #expect(try Dump(harness.metadata) == before)
            #expect(try harness.store.bucket(named: "bucket").owner == "bob")
        }
    }

    @Test("a write that was begun before its bucket was removed is refused at its commit")
    func removedUnderWrite() async throws {
        try await Harness.with { harness in
            let store = harness.store
            let bucket = try await harness.makeBucket()
            let upload = try store.put("a", in: bucket, PutOptions())
            try await upload.write([1, 2, 3])
            try await store.deleteBucket(bucket)
            _ = try await harness.makeBucket()
            #expect(await code { () throws(ObjectError) in _ = try await upload.finish(PayloadExpectation()) } == .noSuchBucket)
        }
    }

    @Test("versioning is suspended, never removed")
    func versioning() async throws {
        try await Harness.with { harness in
            let store = harness.store
            var bucket = try await harness.makeBucket(versioning: .enabled)
            for state in [Bucket.Versioning.suspended, .enabled, .enabled] {
                bucket = try await store.setVersioning(state, of: bucket)
                #expect(try store.bucket(named: "bucket").versioning == state)
            }
            let unversioned = bucket
            #expect(
                await code { () throws(ObjectError) in _ = try await store.setVersioning(.unversioned, of: unversioned) }
                    == .invalidArgument)
        }
    }

    @Test("users and their keys come, go, and stay gone", arguments: EngineKind.allCases)
    func users(_ kind: EngineKind) async throws {
        try await Harness.with(kind) { harness in
            let store = harness.store
            let alice = try await store.createUser(id: "alice", displayName: "Alice", email: "a@example.org", isRoot: false)
            #expect(
                await code { () throws(ObjectError) in _ = try await store.createUser(id: "alice", displayName: "", email: "", isRoot: true)
                }
                    == .userAlreadyExists)
            #expect(
                await code { () throws(ObjectError) in _ = try await store.createUser(id: "", displayName: "", email: "", isRoot: true) }
                    == .invalidArgument)
            func createKey(_ user: String, _ id: String?, _ secret: String?) async -> ObjectError.Code? {
                await code { () throws(ObjectError) in _ = try await store.createAccessKey(user: user, id: id, secret: secret) }
            }
            #expect(await createKey("bob", nil, nil) == .noSuchUser)
            #expect(await createKey("alice", "ab", nil) == .invalidArgument)
            #expect(await createKey("alice", "a b c", nil) == .invalidArgument)
            #expect(await createKey("alice", "alices", "short") == .invalidArgument)
            #expect(await createKey("alice", "alices", "long enough") == nil)
            #expect(await createKey("alice", "alices", "long enough") == .accessKeyAlreadyExists)
            let drawn = try await store.createAccessKey(user: "alice", id: nil, secret: nil)
            #expect(drawn.id.count == 20 && drawn.secret.count == 40)
            #expect(store.credential("alices")?.key.secret == "long enough")
            #expect(store.credential("alices")?.user == alice)
            try await store.revokeAccessKey(drawn.id)
            #expect(store.credential(drawn.id) == nil)
            #expect(await code { () throws(ObjectError) in try await store.revokeAccessKey(drawn.id) } == .noSuchAccessKey)

            let bucket = try await store.createBucket("bucket", owner: alice, region: "here")
            #expect(await code { () throws(ObjectError) in try await store.removeUser("alice") } == .conditionalConflict)
            try await store.deleteBucket(bucket)
            try await store.removeUser("alice")
            #expect(await code { () throws(ObjectError) in try await store.removeUser("alice") } == .noSuchUser)
            #expect(store.credential("alices") == nil)
            #expect(
                await code { () throws(ObjectError) in _ = try await store.createBucket("bucket", owner: alice, region: "here") }
                    == .noSuchUser)
            // A user of the same name does not get the old keys, nor the old chunks.
            let again = try await store.createUser(id: "alice", displayName: "", email: "", isRoot: false)
            #expect(again.tenant != alice.tenant)
            #expect(store.accessKeys(of: "alice").isEmpty)
            try await harness.rebuild()
            #expect(harness.store.users() == [again])
            #expect(harness.store.accessKeys(of: nil).isEmpty)
        }
    }
}
