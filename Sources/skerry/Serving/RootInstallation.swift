import SkerryObjects

extension ObjectStore {
    /// Makes the user `root` and the credentials of `plan` what the store accepts, and takes back those of former starts.
    ///
    /// Idempotent; on every start but the first it changes nothing.
    func install(_ plan: RootCredentialPlan) async throws(CommandFailure) {
        do {
            if user(RootCredentials.userID) == nil {
                _ = try await createUser(id: RootCredentials.userID, displayName: RootCredentials.userID, email: "", isRoot: true)
            }
            for accessKey in plan.retired where credential(accessKey)?.user.id == RootCredentials.userID {
                try await revokeAccessKey(accessKey)
            }
        } catch {
            throw CommandFailure("cannot set up the user \(RootCredentials.userID): \(error)")
        }
        try await install(plan.credentials)
    }

    private func install(_ credentials: RootCredentials) async throws(CommandFailure) {
        do {
            if let (key, user) = credential(credentials.accessKey) {
                guard user.id == RootCredentials.userID else {
                    throw CommandFailure("the root access key \(credentials.accessKey) belongs to the user \(user.id); choose another one")
                }
                if key.secret == credentials.secretKey { return }
                try await revokeAccessKey(credentials.accessKey)
            }
            _ = try await createAccessKey(user: RootCredentials.userID, id: credentials.accessKey, secret: credentials.secretKey)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("cannot set up the root credentials: \(error)")
        }
    }

    /// Makes the bucket, owned by root, unless it is there.
    func makeBucket(_ name: String, region: String) async throws(CommandFailure) {
        if (try? bucket(named: name)) != nil { return }
        guard let root = user(RootCredentials.userID) else { return }
        do {
            _ = try await createBucket(name, owner: root, region: region)
        } catch {
            throw CommandFailure("cannot make the bucket \(name): \(error.message)")
        }
    }
}
