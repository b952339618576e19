import SkerryObjects

/// Administration of a store that is open in this process.
struct StoreAdministration: Administration {
    let store: ObjectStore
    /// The root credentials in force; they are changed where they come from, not here.
    let rootAccessKey: String?

    func users() async throws(AdminError) -> [UserRecord] {
        store.users().map(UserRecord.init).sorted { $0.id < $1.id }
    }

    func createUser(_ new: NewUser) async throws(AdminError) -> (user: UserRecord, key: KeyRecord) {
        try Self.check(id: new.id)
        let (accessKey, secretKey) = try Self.keyPair(new.accessKey, new.secretKey)
        guard store.credential(accessKey) == nil else { throw Self.taken(accessKey) }
        do {
            let user = try await store.createUser(id: new.id, displayName: new.displayName ?? new.id, email: new.email, isRoot: false)
            return (UserRecord(user), try await firstKey(of: user, accessKey, secretKey))
        } catch {
            throw AdminError(error)
        }
    }

    /// The user's key; without it the user goes again, so that the whole call did nothing.
    private func firstKey(of user: User, _ accessKey: String, _ secretKey: String) async throws(ObjectError) -> KeyRecord {
        do {
            return KeyRecord(try await store.createAccessKey(user: user.id, id: accessKey, secret: secretKey), showsSecret: true)
        } catch {
            // The first error is the one to report; a user left behind is listed and can be removed by hand.
            try? await store.removeUser(user.id)
            throw error
        }
    }

    func removeUser(_ id: String) async throws(AdminError) {
        guard id != RootCredentials.userID else { throw AdminError(.invalidArgument, "the user \(id) cannot be removed") }
        do {
            try await store.removeUser(id)
        } catch {
            throw AdminError(error)
        }
    }

    func keys(of user: String?) async throws(AdminError) -> [KeyRecord] {
        if let user, store.user(user) == nil { throw AdminError(.noSuchUser, "there is no user \(user)") }
        return store.accessKeys(of: user).map { KeyRecord($0, showsSecret: false) }.sorted { ($0.user, $0.created) < ($1.user, $1.created) }
    }

    func createKey(_ new: NewKey) async throws(AdminError) -> KeyRecord {
        let (accessKey, secretKey) = try Self.keyPair(new.accessKey, new.secretKey)
        guard store.credential(accessKey) == nil else { throw Self.taken(accessKey) }
        do {
            return KeyRecord(try await store.createAccessKey(user: new.user, id: accessKey, secret: secretKey), showsSecret: true)
        } catch {
            throw AdminError(error)
        }
    }

    func revokeKey(_ accessKey: String) async throws(AdminError) {
        guard accessKey != rootAccessKey else {
            throw AdminError(
                .invalidArgument,
                "\(accessKey) is the root credential in force: change \(RootCredentials.accessKeyVariable) and \(RootCredentials.secretKeyVariable), "
                    + "or remove the file \(RootCredentialRecord.fileName) and the key after the next start")
        }
        do {
            try await store.revokeAccessKey(accessKey)
        } catch {
            throw AdminError(error)
        }
    }

    func collect() async throws(AdminError) -> CollectionRecord {
        do {
            return CollectionRecord(try await store.collect())
        } catch {
            guard error.code == .conditionalConflict else { throw AdminError(error) }
            throw AdminError(.unavailable, error.message)
        }
    }

    func statistics() async throws(AdminError) -> StatisticsRecord {
        do {
            return StatisticsRecord(try await store.statistics())
        } catch {
            throw AdminError(error)
        }
    }

    func verify(progress: @escaping @Sendable (UInt64, UInt64) -> Void) async throws(AdminError) -> VerificationRecord {
        do {
            return VerificationRecord(try await store.verify(progress: progress))
        } catch {
            throw AdminError(error)
        }
    }

    // MARK: What is taken

    /// Ids stand in XML answers, in listings and on command lines.
    private static func check(id: String) throws(AdminError) {
        guard (1...128).contains(id.utf8.count), id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw AdminError(.invalidArgument, "the id of a user is 1 to 128 printable ASCII characters without blanks")
        }
    }

    private static func keyPair(_ accessKey: String?, _ secretKey: String?) throws(AdminError) -> (String, String) {
        var generator = SystemRandomNumberGenerator()
        let accessKey = accessKey ?? KeyMaterial.accessKey(&generator)
        let secretKey = secretKey ?? KeyMaterial.secretKey(&generator)
        guard KeyMaterial.isAccessKey(accessKey) else {
            throw AdminError(.invalidArgument, "\"\(accessKey)\" is not \(KeyMaterial.accessKeyForm)")
        }
        guard KeyMaterial.isSecretKey(secretKey) else {
            throw AdminError(.invalidArgument, "what was given is not \(KeyMaterial.secretKeyForm)")
        }
        return (accessKey, secretKey)
    }

    private static func taken(_ accessKey: String) -> AdminError {
        AdminError(.accessKeyAlreadyExists, "the access key \(accessKey) exists already")
    }
}

extension UserRecord {
    init(_ user: User) {
        self.init(id: user.id, displayName: user.displayName, email: user.email, isRoot: user.isRoot)
    }
}

extension KeyRecord {
    init(_ key: AccessKey, showsSecret: Bool) {
        self.init(accessKey: key.id, secretKey: showsSecret ? key.secret : nil, user: key.user, created: key.created)
    }
}

extension StatisticsRecord {
    init(_ statistics: StoreStatistics) {
        self.init(
            objects: statistics.objects, versions: statistics.versions, logicalBytes: statistics.logicalBytes,
            uniqueBytes: statistics.uniqueBytes, garbageBytes: statistics.garbageBytes, packBytes: statistics.packBytes,
            dedupRatio: statistics.dedupRatio.isFinite ? (statistics.dedupRatio * 1_000).rounded() / 1_000 : 0,
            buckets: statistics.buckets.map {
                Bucket(name: $0.name, objects: $0.objects, versions: $0.versions, logicalBytes: $0.logicalBytes)
            })
    }
}

extension VerificationRecord {
    init(_ report: VerifyReport) {
        self.init(
            records: report.records, bytes: report.bytes, versions: report.versions, problems: report.problems,
            unlistedProblems: report.unlistedProblems)
    }
}

extension CollectionRecord {
    init(_ report: CollectionReport) {
        self.init(
            unusedBlocks: UInt64(report.unusedBlocks), removedBlocks: UInt64(report.removedBlocks),
            rewrittenPacks: UInt64(report.rewrittenPacks), freedBytes: report.freedBytes)
    }
}
