/// Users, keys and figures of one store, wherever it is open: in this process, or in a server behind its admin port.
protocol Administration: Sendable {
    func users() async throws(AdminError) -> [UserRecord]
    /// Makes a user and its first key; the key carries its secret.
    func createUser(_ user: NewUser) async throws(AdminError) -> (user: UserRecord, key: KeyRecord)
    /// Removes a user and its keys. Throws `userOwnsBuckets` while there are buckets of theirs.
    func removeUser(_ id: String) async throws(AdminError)

    /// Without secrets.
    ///
    /// - Parameter user: Whose keys, nil for everybody's.
    func keys(of user: String?) async throws(AdminError) -> [KeyRecord]
    /// The answer carries the secret; it is not shown again.
    func createKey(_ key: NewKey) async throws(AdminError) -> KeyRecord
    func revokeKey(_ accessKey: String) async throws(AdminError)

    /// Removes what nothing refers to. Throws `unavailable` while another collection runs.
    func collect() async throws(AdminError) -> CollectionRecord
    func statistics() async throws(AdminError) -> StatisticsRecord
    /// Reads everything and checks it.
    ///
    /// - Parameter progress: Called now and then with the records and bytes read so far.
    func verify(progress: @escaping @Sendable (UInt64, UInt64) -> Void) async throws(AdminError) -> VerificationRecord
}
