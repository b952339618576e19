// How the records stand in the admin protocol and in the output of `--json`. Names are promises: docs/admin.md lists them.

extension UserRecord {
    var json: JSONValue {
        ["id": .string(id), "displayName": .string(displayName), "email": .string(email), "isRoot": .bool(isRoot)]
    }

    init?(_ json: JSONValue?) {
        guard let json, let id = json["id"]?.string, let displayName = json["displayName"]?.string, let email = json["email"]?.string,
            let isRoot = json["isRoot"]?.bool
        else { return nil }
        self.init(id: id, displayName: displayName, email: email, isRoot: isRoot)
    }
}

extension KeyRecord {
    var json: JSONValue {
        var members: [JSONValue.Member] = [.init(name: "accessKey", value: .string(accessKey))]
        if let secretKey { members.append(.init(name: "secretKey", value: .string(secretKey))) }
        members.append(.init(name: "user", value: .string(user)))
        members.append(.init(name: "created", value: .number(created)))
        return .object(members)
    }

    init?(_ json: JSONValue?) {
        guard let json, let accessKey = json["accessKey"]?.string, let user = json["user"]?.string, let created = json["created"]?.unsigned
        else { return nil }
        self.init(accessKey: accessKey, secretKey: json["secretKey"]?.string, user: user, created: created)
    }
}

extension NewUser {
    var json: JSONValue {
        let members: [JSONValue.Member] = [
            .init(name: "id", value: .string(id)), .init(name: "displayName", value: .string(displayName)),
            .init(name: "email", value: .string(email)),
        ]
        return .object(members + keyMembers(accessKey, secretKey))
    }

    init?(_ json: JSONValue) {
        guard let id = json["id"]?.string else { return nil }
        self.init(
            id: id, displayName: json["displayName"]?.string ?? id, email: json["email"]?.string ?? "",
            accessKey: json["accessKey"]?.string, secretKey: json["secretKey"]?.string)
    }
}

extension NewKey {
    var json: JSONValue { .object([.init(name: "user", value: .string(user))] + keyMembers(accessKey, secretKey)) }

    init?(_ json: JSONValue) {
        guard let user = json["user"]?.string else { return nil }
        self.init(user: user, accessKey: json["accessKey"]?.string, secretKey: json["secretKey"]?.string)
    }
}

private func keyMembers(_ accessKey: String?, _ secretKey: String?) -> [JSONValue.Member] {
    [("accessKey", accessKey), ("secretKey", secretKey)].compactMap { name, value in
        value.map { JSONValue.Member(name: name, value: .string($0)) }
    }
}

extension StatisticsRecord {
    var json: JSONValue {
        [
            "objects": .number(objects), "versions": .number(versions), "logicalBytes": .number(logicalBytes),
            "uniqueBytes": .number(uniqueBytes), "garbageBytes": .number(garbageBytes), "packBytes": .number(packBytes),
            "dedupRatio": .number(thousandthsOf: dedupRatio), "buckets": .array(buckets.map(\.json)),
        ]
    }

    init?(_ json: JSONValue?) {
        guard let json, let objects = json["objects"]?.unsigned, let versions = json["versions"]?.unsigned,
            let logicalBytes = json["logicalBytes"]?.unsigned, let uniqueBytes = json["uniqueBytes"]?.unsigned,
            let garbageBytes = json["garbageBytes"]?.unsigned, let packBytes = json["packBytes"]?.unsigned,
            let dedupRatio = json["dedupRatio"]?.double, let buckets = json["buckets"]?.array
        else { return nil }
        let read = buckets.compactMap(Bucket.init)
        guard read.count == buckets.count else { return nil }
        self.init(
            objects: objects, versions: versions, logicalBytes: logicalBytes, uniqueBytes: uniqueBytes, garbageBytes: garbageBytes,
            packBytes: packBytes, dedupRatio: dedupRatio, buckets: read)
    }
}

extension StatisticsRecord.Bucket {
    var json: JSONValue {
        ["name": .string(name), "objects": .number(objects), "versions": .number(versions), "logicalBytes": .number(logicalBytes)]
    }

    init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let objects = json["objects"]?.unsigned, let versions = json["versions"]?.unsigned,
            let logicalBytes = json["logicalBytes"]?.unsigned
        else { return nil }
        self.init(name: name, objects: objects, versions: versions, logicalBytes: logicalBytes)
    }
}

extension VerificationRecord {
    var json: JSONValue {
        [
            "records": .number(records), "bytes": .number(bytes), "versions": .number(versions),
            "problems": .array(problems.map(JSONValue.string)), "unlistedProblems": .number(unlistedProblems),
        ]
    }

    init?(_ json: JSONValue?) {
        guard let json, let records = json["records"]?.unsigned, let bytes = json["bytes"]?.unsigned,
            let versions = json["versions"]?.unsigned, let problems = json["problems"]?.array,
            let unlistedProblems = json["unlistedProblems"]?.unsigned
        else { return nil }
        self.init(
            records: records, bytes: bytes, versions: versions, problems: problems.compactMap(\.string), unlistedProblems: unlistedProblems)
    }
}

extension CollectionRecord {
    var json: JSONValue {
        [
            "unusedBlocks": .number(unusedBlocks), "removedBlocks": .number(removedBlocks), "rewrittenPacks": .number(rewrittenPacks),
            "freedBytes": .number(freedBytes),
        ]
    }

    init?(_ json: JSONValue?) {
        guard let json, let unusedBlocks = json["unusedBlocks"]?.unsigned, let removedBlocks = json["removedBlocks"]?.unsigned,
            let rewrittenPacks = json["rewrittenPacks"]?.unsigned, let freedBytes = json["freedBytes"]?.signed
        else { return nil }
        self.init(unusedBlocks: unusedBlocks, removedBlocks: removedBlocks, rewrittenPacks: rewrittenPacks, freedBytes: freedBytes)
    }
}
