import SkerryStorage

extension ObjectStore {
    /// Whose the access key is. From memory; never blocks.
    public func credential(_ accessKey: String) -> (key: AccessKey, user: User)? {
        registry.read { state in
            guard let key = state.accessKeys[accessKey], let user = state.users[key.user] else { return nil }
            return (key, user)
        }
    }

    public func user(_ id: String) -> User? { registry.read { $0.users[id] } }

    /// All users, by id.
    public func users() -> [User] { registry.read { $0.users.values.sorted { $0.id < $1.id } } }

    /// The access keys of one user, or of all, by id.
    public func accessKeys(of user: String?) -> [AccessKey] {
        registry.read { state in
            state.accessKeys.values.filter { user == nil || $0.user == user }.sorted { $0.id < $1.id }
        }
    }

    /// Makes a user, who is a tenant of their own.
    ///
    /// - Throws: `userAlreadyExists`; `invalidArgument` when the id is empty or too long.
    public func createUser(id: String, displayName: String, email: String, isRoot: Bool) async throws(ObjectError) -> User {
        guard !id.isEmpty, id.utf8.count <= 256 else { throw ObjectError(.invalidArgument, "A user id has 1 to 256 bytes.") }
        let store = self
        return try await committer.commit(.everything) { context throws(ObjectError) in
            guard store.user(id) == nil else { throw ObjectError(.userAlreadyExists, "There is a user \(id) already.") }
            let user = User(
                id: id, displayName: displayName, email: email, tenant: TenantID(rawValue: store.randomIdentifier()), isRoot: isRoot)
            let record = SettingRecord(id: context.stamp(), dot: context.nextDot(), value: user)
            context.append(LogRecord(kind: .user, fields: record.fields { $0.write($1) }))
            context.whenCommitted { store.registry.set(user) }
            return user
        }
    }

    /// Removes a user with their access keys.
    ///
    /// - Throws: `noSuchUser`; `conditionalConflict` while the user owns buckets.
    public func removeUser(_ id: String) async throws(ObjectError) {
        let store = self
        try await committer.commit(.everything) { context throws(ObjectError) in
            guard store.user(id) != nil else { throw ObjectError(.noSuchUser, "There is no user \(id).") }
            guard !store.registry.read({ $0.buckets.values.contains { $0.owner == id } }) else {
                throw ObjectError(.conditionalConflict, "The user \(id) owns buckets; delete them first.")
            }
            for key in store.accessKeys(of: id) {
                context.appendRemoval(.accessKeyRemoval, of: key.id)
                context.whenCommitted { store.registry.removeAccessKey(key.id) }
            }
            context.appendRemoval(.userRemoval, of: id)
            context.whenCommitted { store.registry.removeUser(id) }
        }
    }

    /// Makes an access key; what is not given is drawn at random.
    ///
    /// - Throws: `noSuchUser`, `accessKeyAlreadyExists`; `invalidArgument` for an id that is not 3 to 128 letters, digits or `_-.`, or a secret of less than 8 bytes.
    public func createAccessKey(user: String, id: String?, secret: String?) async throws(ObjectError) -> AccessKey {
        let id = id ?? AccessKey.randomID()
        let secret = secret ?? AccessKey.randomSecret()
        try AccessKey.check(id: id, secret: secret)
        let store = self
        return try await committer.commit(.everything) { context throws(ObjectError) in
            guard store.user(user) != nil else { throw ObjectError(.noSuchUser, "There is no user \(user).") }
            guard store.credential(id) == nil else { throw ObjectError(.accessKeyAlreadyExists, "There is an access key \(id) already.") }
            let key = AccessKey(id: id, secret: secret, user: user, created: context.now)
            let record = SettingRecord(id: context.stamp(), dot: context.nextDot(), value: key)
            context.append(LogRecord(kind: .accessKey, fields: record.fields { $0.write($1) }))
            context.whenCommitted { store.registry.set(key) }
            return key
        }
    }

    /// The key opens nothing any more once this returns.
    public func revokeAccessKey(_ id: String) async throws(ObjectError) {
        let store = self
        try await committer.commit(.everything) { context throws(ObjectError) in
            guard store.registry.read({ $0.accessKeys[id] }) != nil else {
                throw ObjectError(.noSuchAccessKey, "There is no access key \(id).")
            }
            context.appendRemoval(.accessKeyRemoval, of: id)
            context.whenCommitted { store.registry.removeAccessKey(id) }
        }
    }
}

extension AccessKey {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

    /// 20 characters, as S3's own.
    static func randomID() -> String { "SK" + random(18, from: alphabet.filter { !$0.isLowercase }) }

    /// 40 characters, 238 bits.
    static func randomSecret() -> String { random(40, from: alphabet) }

    private static func random(_ count: Int, from alphabet: [Character]) -> String {
        var generator = SystemRandomNumberGenerator()
        return String((0..<count).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] })
    }

    static func check(id: String, secret: String) throws(ObjectError) {
        let isPlain = id.utf8.allSatisfy { byte in
            alphabet.contains(Character(UnicodeScalar(byte))) || "_-.".utf8.contains(byte)
        }
        guard (3...128).contains(id.utf8.count), isPlain else {
            throw ObjectError(.invalidArgument, "An access key id has 3 to 128 letters, digits, or characters of `_-.`.")
        }
        guard (8...256).contains(secret.utf8.count) else { throw ObjectError(.invalidArgument, "A secret key has 8 to 256 bytes.") }
    }
}
