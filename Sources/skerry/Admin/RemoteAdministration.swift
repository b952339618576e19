/// Administration of a store that a running server holds, by calls to its admin port.
struct RemoteAdministration: Administration {
    let transport: any AdminTransport

    func users() async throws(AdminError) -> [UserRecord] {
        try list(try await call(.listUsers, [:])["users"], UserRecord.init)
    }

    func createUser(_ user: NewUser) async throws(AdminError) -> (user: UserRecord, key: KeyRecord) {
        let answer = try await call(.createUser, user.json)
        return (try record(UserRecord(answer["user"])), try record(KeyRecord(answer["key"])))
    }

    func removeUser(_ id: String) async throws(AdminError) {
        _ = try await call(.removeUser, ["id": .string(id)])
    }

    func keys(of user: String?) async throws(AdminError) -> [KeyRecord] {
        let arguments: JSONValue = user.map { ["user": .string($0)] } ?? [:]
        return try list(try await call(.listKeys, arguments)["keys"], KeyRecord.init)
    }

    func createKey(_ key: NewKey) async throws(AdminError) -> KeyRecord {
        try record(KeyRecord(try await call(.createKey, key.json)["key"]))
    }

    func revokeKey(_ accessKey: String) async throws(AdminError) {
        _ = try await call(.revokeKey, ["accessKey": .string(accessKey)])
    }

    func statistics() async throws(AdminError) -> StatisticsRecord {
        try record(StatisticsRecord(try await call(.statistics, [:])["statistics"]))
    }

    func collect() async throws(AdminError) -> CollectionRecord {
        try record(CollectionRecord(try await call(.collect, [:])["collection"]))
    }

    func verify(progress: @escaping @Sendable (UInt64, UInt64) -> Void) async throws(AdminError) -> VerificationRecord {
        let last = try await transport.send(.verify, [:]) { line in
            if let step = line["progress"], let records = step["records"]?.unsigned, let bytes = step["bytes"]?.unsigned {
                progress(records, bytes)
            }
        }
        return try record(VerificationRecord(try checked(last)["report"]))
    }

    // MARK: Answers

    private func call(_ call: AdminCall, _ arguments: JSONValue) async throws(AdminError) -> JSONValue {
        try checked(try await transport.send(call, arguments) { _ in })
    }

    private func checked(_ answer: JSONValue) throws(AdminError) -> JSONValue {
        if let error = AdminError(answer) { throw error }
        return answer
    }

    private func record<Record>(_ record: Record?) throws(AdminError) -> Record {
        guard let record else { throw AdminError(.unreachable, "the answer is not one of Skerry's admin protocol") }
        return record
    }

    private func list<Record>(_ json: JSONValue?, _ read: (JSONValue?) -> Record?) throws(AdminError) -> [Record] {
        var records: [Record] = []
        for element in try record(json?.array) { records.append(try record(read(element))) }
        return records
    }
}

/// Carries a call to an admin port.
protocol AdminTransport: Sendable {
    /// Sends `arguments` to `call` and returns the last line of the answer; every line before it goes to `each` as it comes.
    ///
    /// - Throws: `unreachable` when there is no answer, or one that is not lines of JSON.
    func send(_ call: AdminCall, _ arguments: JSONValue, each: @Sendable (JSONValue) -> Void) async throws(AdminError) -> JSONValue
}
