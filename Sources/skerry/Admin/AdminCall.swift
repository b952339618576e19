import SkerryCodec

/// The calls of the admin protocol: `POST /admin/NAME` with a JSON object, answered by a JSON object.
enum AdminCall: String, CaseIterable, Sendable {
    case listUsers, createUser, removeUser, listKeys, createKey, revokeKey, statistics, collect
    /// Answered by a line of JSON for each step of progress, and one last line with the report or the error.
    case verify

    /// Whether it changes what the store holds.
    var isChange: Bool {
        switch self {
        case .createUser, .removeUser, .createKey, .revokeKey, .collect: true
        case .listUsers, .listKeys, .statistics, .verify: false
        }
    }

    static let pathPrefix = "/admin/"

    var path: String { AdminCall.pathPrefix + rawValue }

    init?(path: String) {
        guard path.hasPrefix(AdminCall.pathPrefix) else { return nil }
        self.init(rawValue: String(path.dropFirst(AdminCall.pathPrefix.count)))
    }
}

extension AdminCall {
    /// Does what `arguments` say and returns the answer; every call but ``verify``.
    func perform(_ arguments: Value, on administration: any Administration) async throws(AdminError) -> Value {
        switch self {
        case .listUsers:
            return try .object(["users": Self.encoded(await administration.users())])
        case .createUser:
            let made = try await administration.createUser(Self.decoded(NewUser.self, arguments))
            return try .object(["user": Self.encoded(made.user), "key": Self.encoded(made.key)])
        case .removeUser:
            try await administration.removeUser(Self.decoded(UserName.self, arguments).id)
            return .object([:])
        case .listKeys:
            return try .object(["keys": Self.encoded(await administration.keys(of: Self.decoded(KeyOwner.self, arguments).user))])
        case .createKey:
            return try .object(["key": Self.encoded(await administration.createKey(Self.decoded(NewKey.self, arguments)))])
        case .revokeKey:
            try await administration.revokeKey(Self.decoded(KeyName.self, arguments).accessKey)
            return .object([:])
        case .statistics:
            return try .object(["statistics": Self.encoded(await administration.statistics())])
        case .collect:
            return try .object(["collection": Self.encoded(await administration.collect())])
        case .verify:
            return try .object(["report": Self.encoded(await administration.verify { _, _ in })])
        }
    }

    private static func decoded<T: Shaped>(_ type: T.Type, _ arguments: Value) throws(AdminError) -> T {
        do throws(ShapeError) {
            return try arguments.decode(type)
        } catch {
            throw AdminError(.invalidArgument, "\(error)")
        }
    }

    static func encoded<T: Shaped>(_ record: T) throws(AdminError) -> Value {
        do throws(ShapeError) {
            return try Value(encoding: record)
        } catch {
            throw AdminError(.failed, "the answer cannot be written: \(error)")
        }
    }
}

extension AdminError {
    /// The error as an answer.
    var answer: Value { .object(["error": .string(code.rawValue), "message": .string(message)]) }

    /// The error in an answer, nil when it is none.
    init?(_ answer: Value) {
        guard let failure = try? answer.decode(AdminFailure.self) else { return nil }
        self.init(Code(rawValue: failure.error) ?? .failed, failure.message)
    }
}

extension Value {
    /// The answer on one line of JSON, with its line break.
    var line: [UInt8] {
        // Answers hold texts, whole numbers and finite fractions, all of which JSON has.
        guard let json = try? JSON.encode(self) else { preconditionFailure("an answer that JSON cannot write: \(self)") }
        return json + [UInt8(ascii: "\n")]
    }
}
