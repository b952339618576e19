import SkerryCodec

/// Administration of a store that a running server holds, by calls to its admin port.
struct RemoteAdministration: Administration {
    let transport: any AdminTransport

    func users() async throws(AdminError) -> [UserRecord] { try await ask(.listUsers)("users") }

    func createUser(_ user: NewUser) async throws(AdminError) -> (user: UserRecord, key: KeyRecord) {
        let answer = try await ask(.createUser, user)
        return (try answer("user"), try answer("key"))
    }

    func removeUser(_ id: String) async throws(AdminError) { _ = try await ask(.removeUser, UserName(id: id)) }

    func keys(of user: String?) async throws(AdminError) -> [KeyRecord] { try await ask(.listKeys, KeyOwner(user: user))("keys") }

    func createKey(_ key: NewKey) async throws(AdminError) -> KeyRecord { try await ask(.createKey, key)("key") }

    func revokeKey(_ accessKey: String) async throws(AdminError) { _ = try await ask(.revokeKey, KeyName(accessKey: accessKey)) }

    func statistics() async throws(AdminError) -> StatisticsRecord { try await ask(.statistics)("statistics") }

    func collect() async throws(AdminError) -> CollectionRecord { try await ask(.collect)("collection") }

    func verify(progress: @escaping @Sendable (UInt64, UInt64) -> Void) async throws(AdminError) -> VerificationRecord {
        let last = try await transport.send(.verify, .object([:])) { line in
            if let step = try? line["progress"]?.decode(VerificationProgress.self) { progress(step.records, step.bytes) }
        }
        return try Answer(last)("report")
    }

    // MARK: Answers

    private func ask(_ call: AdminCall) async throws(AdminError) -> Answer {
        try Answer(try await transport.send(call, .object([:])) { _ in })
    }

    private func ask<Arguments: Shaped>(_ call: AdminCall, _ arguments: Arguments) async throws(AdminError) -> Answer {
        try Answer(try await transport.send(call, AdminCall.encoded(arguments)) { _ in })
    }

    /// An answer that is no error; called with the name of a member it reads that.
    private struct Answer {
        let value: Value

        init(_ value: Value) throws(AdminError) {
            if let error = AdminError(value) { throw error }
            self.value = value
        }

        func callAsFunction<Record: Shaped>(_ member: String) throws(AdminError) -> Record {
            guard let record = try? value[member]?.decode(Record.self) else { throw LineSplitter.foreign }
            return record
        }
    }
}

/// Carries a call to an admin port.
protocol AdminTransport: Sendable {
    /// Sends `arguments` to `call` and returns the last line of the answer; every line before it goes to `each` as it comes.
    ///
    /// - Throws: `unreachable` when there is no answer, or one that is not lines of JSON.
    func send(_ call: AdminCall, _ arguments: Value, each: @Sendable (Value) -> Void) async throws(AdminError) -> Value
}
