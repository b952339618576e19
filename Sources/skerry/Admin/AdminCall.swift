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
    func perform(_ arguments: JSONValue, on administration: any Administration) async throws(AdminError) -> JSONValue {
        switch self {
        case .listUsers:
            return ["users": .array(try await administration.users().map(\.json))]
        case .createUser:
            guard let user = NewUser(arguments) else { throw Self.missing("id") }
            let made = try await administration.createUser(user)
            return ["user": made.user.json, "key": made.key.json]
        case .removeUser:
            guard let id = arguments["id"]?.string else { throw Self.missing("id") }
            try await administration.removeUser(id)
            return [:]
        case .listKeys:
            return ["keys": .array(try await administration.keys(of: arguments["user"]?.string).map(\.json))]
        case .createKey:
            guard let key = NewKey(arguments) else { throw Self.missing("user") }
            return ["key": try await administration.createKey(key).json]
        case .revokeKey:
            guard let accessKey = arguments["accessKey"]?.string else { throw Self.missing("accessKey") }
            try await administration.revokeKey(accessKey)
            return [:]
        case .statistics:
            return ["statistics": try await administration.statistics().json]
        case .collect:
            return ["collection": try await administration.collect().json]
        case .verify:
            return ["report": try await administration.verify { _, _ in }.json]
        }
    }

    private static func missing(_ name: String) -> AdminError { AdminError(.invalidArgument, "\"\(name)\" is missing") }
}

extension AdminError {
    var json: JSONValue { ["error": .string(code.rawValue), "message": .string(message)] }

    /// The error in an answer, nil when it is none.
    init?(_ json: JSONValue) {
        guard let name = json["error"]?.string else { return nil }
        self.init(Code(rawValue: name) ?? .failed, json["message"]?.string ?? name)
    }
}
