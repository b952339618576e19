import SkerryObjects
import Testing

@testable import skerry

@Suite("Root's credentials in the store")
struct RootInstallationTests {
    private let made = RootCredentials(accessKey: "MADEKEY", secretKey: "made-secret")
    private let given = RootCredentials(accessKey: "GIVENKEY", secretKey: "given-secret")

    private func start(_ store: ObjectStore, _ environment: RootCredentials?, _ record: RootCredentialRecord?) async throws
        -> RootCredentialRecord
    {
        let plan = RootCredentialPlan(environment: environment, record: record, make: { made })
        try await store.install(plan)
        return plan.record
    }

    private func accessKeys(_ store: ObjectStore) -> [String] { store.accessKeys(of: RootCredentials.userID).map(\.id) }

    @Test("starts with and without an environment leave exactly the credentials in force")
    func starts() async throws {
        try await withMemoryStore { store in
            var record = try await start(store, nil, nil)
            #expect(accessKeys(store) == ["MADEKEY"])
            #expect(store.user(RootCredentials.userID)?.isRoot == true)
            record = try await start(store, given, record)
            #expect(accessKeys(store) == ["GIVENKEY"])
            record = try await start(store, nil, record)
            #expect(accessKeys(store) == ["MADEKEY"])
        }
    }

    @Test("the same access key with another secret is replaced")
    func secret() async throws {
        try await withMemoryStore { store in
            let record = try await start(store, given, nil)
            let changed = RootCredentials(accessKey: given.accessKey, secretKey: "another-secret")
            _ = try await start(store, changed, record)
            #expect(store.credential("GIVENKEY")?.key.secret == "another-secret")
        }
    }

    @Test("keys that were made for root by command stay")
    func otherKeys() async throws {
        try await withMemoryStore { store in
            let record = try await start(store, nil, nil)
            _ = try await store.createAccessKey(user: RootCredentials.userID, id: "EXTRAKEY", secret: "extra-secret")
            _ = try await start(store, given, record)
            #expect(accessKeys(store) == ["EXTRAKEY", "GIVENKEY"])
        }
    }

    @Test("an access key of somebody else is not taken over")
    func conflict() async throws {
        try await withMemoryStore { store in
            _ = try await store.createUser(id: "alice", displayName: "", email: "", isRoot: false)
            _ = try await store.createAccessKey(user: "alice", id: "GIVENKEY", secret: "alices-secret")
            let failure = await #expect(throws: CommandFailure.self) { try await start(store, given, nil) }
            #expect(failure?.message.contains("alice") == true)
            #expect(store.credential("GIVENKEY")?.key.secret == "alices-secret")
        }
    }

    @Test("the first bucket is made once, and a name that cannot be one is refused")
    func bucket() async throws {
        try await withMemoryStore { store in
            _ = try await start(store, nil, nil)
            try await store.makeBucket("photos", region: "eu")
            let first = try store.bucket(named: "photos")
            try await store.makeBucket("photos", region: "eu")
            #expect(try store.bucket(named: "photos") == first)
            #expect(first.owner == RootCredentials.userID && first.region == "eu")
            await #expect(throws: CommandFailure.self) { try await store.makeBucket("No Bucket", region: "eu") }
        }
    }
}

@Suite("Administration of an open store")
struct StoreAdministrationTests {
    private func administration(_ store: ObjectStore) async throws -> StoreAdministration {
        let credentials = RootCredentials(accessKey: "ROOTKEY", secretKey: "root-secret")
        try await store.install(RootCredentialPlan(environment: credentials, record: nil))
        return StoreAdministration(store: store, rootAccessKey: credentials.accessKey)
    }

    private func alice(accessKey: String? = nil, secretKey: String? = nil) -> NewUser {
        NewUser(id: "alice", displayName: "Alice", email: "a@example.org", accessKey: accessKey, secretKey: secretKey)
    }

    @Test("a user is made with a key that works, and goes with it")
    func users() async throws {
        try await withMemoryStore { store in
            let administration = try await administration(store)
            let made = try await administration.createUser(alice())
            #expect(store.credential(made.key.accessKey)?.user.id == "alice")
            #expect(try await administration.users().map(\.id) == ["alice", "root"])
            #expect(try await administration.keys(of: nil).allSatisfy { $0.secretKey == nil })
            try await administration.removeUser("alice")
            #expect(store.credential(made.key.accessKey) == nil)
        }
    }

    @Test(
        "a user whose key cannot be had is not made",
        arguments: [("ROOTKEY", nil), ("a/b", nil), ("AB", nil), (nil, "short")] as [(String?, String?)])
    func wholeOrNothing(accessKey: String?, secretKey: String?) async throws {
        try await withMemoryStore { store in
            let administration = try await administration(store)
            await #expect(throws: AdminError.self) {
                try await administration.createUser(alice(accessKey: accessKey, secretKey: secretKey))
            }
            #expect(store.user("alice") == nil)
            #expect(store.credential("ROOTKEY")?.user.id == "root")
        }
    }

    @Test("every access key that is taken here is taken by the store")
    func forms() async throws {
        try await withMemoryStore { store in
            let administration = try await administration(store)
            for accessKey in ["abc", "A-b_c.9", String(repeating: "x", count: 128)] {
                #expect(try await administration.createKey(NewKey(user: "root", accessKey: accessKey)).accessKey == accessKey)
            }
        }
    }

    @Test("root and the credentials in force cannot be taken away")
    func root() async throws {
        try await withMemoryStore { store in
            let administration = try await administration(store)
            await #expect(throws: AdminError.self) { try await administration.removeUser("root") }
            await #expect(throws: AdminError.self) { try await administration.revokeKey("ROOTKEY") }
            #expect(store.credential("ROOTKEY") != nil)
        }
    }

    @Test("errors keep their meaning")
    func errors() async throws {
        try await withMemoryStore { store in
            let administration = try await administration(store)
            _ = try await administration.createUser(alice())
            let owner = try #require(store.user("alice"))
            _ = try await store.createBucket("alices", owner: owner, region: "eu")
            func code(_ body: () async throws -> Void) async -> AdminError.Code? {
                let error = await #expect(throws: AdminError.self) { try await body() }
                return error?.code
            }
            #expect(await code { try await administration.removeUser("alice") } == .userOwnsBuckets)
            #expect(await code { _ = try await administration.createUser(alice()) } == .userAlreadyExists)
            #expect(await code { try await administration.removeUser("bob") } == .noSuchUser)
            #expect(await code { _ = try await administration.keys(of: "bob") } == .noSuchUser)
            #expect(await code { _ = try await administration.createKey(NewKey(user: "bob")) } == .noSuchUser)
            #expect(await code { try await administration.revokeKey("NOKEY") } == .noSuchAccessKey)
        }
    }
}
