import Synchronization

@testable import skerry

/// A store of users and keys alone, to test what carries its administration.
final class MemoryAdministration: Administration {
    struct State {
        var users: [UserRecord] = [UserRecord(id: "root", displayName: "root", email: "", isRoot: true)]
        var keys: [KeyRecord] = []
        /// Users that own buckets.
        var owners: Set<String> = []
    }

    let state = Mutex(State())
    let report: VerificationRecord
    let steps: [(records: UInt64, bytes: UInt64)]
    let statisticsRecord: StatisticsRecord

    init(
        report: VerificationRecord = VerificationRecord(records: 3, bytes: 4096, versions: 2, problems: [], unlistedProblems: 0),
        steps: [(records: UInt64, bytes: UInt64)] = [], statistics: StatisticsRecord = .example
    ) {
        self.report = report
        self.steps = steps
        statisticsRecord = statistics
    }

    func users() async throws(AdminError) -> [UserRecord] { state.withLock { $0.users } }

    func createUser(_ new: NewUser) async throws(AdminError) -> (user: UserRecord, key: KeyRecord) {
        try state.withLock { state throws(AdminError) in
            guard !state.users.contains(where: { $0.id == new.id }) else {
                throw AdminError(.userAlreadyExists, "the user \(new.id) exists")
            }
            let user = UserRecord(id: new.id, displayName: new.displayName ?? new.id, email: new.email, isRoot: false)
            let key = KeyRecord(
                accessKey: new.accessKey ?? "MADE", secretKey: new.secretKey ?? "made-secret", user: new.id, created: 1_700_000_000_000)
            state.users.append(user)
            state.keys.append(key)
            return (user, key)
        }
    }

    func removeUser(_ id: String) async throws(AdminError) {
        try state.withLock { state throws(AdminError) in
            guard state.users.contains(where: { $0.id == id }) else { throw AdminError(.noSuchUser, "there is no user \(id)") }
            guard !state.owners.contains(id) else { throw AdminError(.userOwnsBuckets, "\(id) owns buckets") }
            state.users.removeAll { $0.id == id }
            state.keys.removeAll { $0.user == id }
        }
    }

    func keys(of user: String?) async throws(AdminError) -> [KeyRecord] {
        state.withLock { state in
            state.keys.filter { user == nil || $0.user == user }.map { key in
                var shown = key
                shown.secretKey = nil
                return shown
            }
        }
    }

    func createKey(_ new: NewKey) async throws(AdminError) -> KeyRecord {
        let key = KeyRecord(accessKey: new.accessKey ?? "MADE", secretKey: new.secretKey ?? "made-secret", user: new.user, created: .max)
        state.withLock { $0.keys.append(key) }
        return key
    }

    func revokeKey(_ accessKey: String) async throws(AdminError) {
        let wasThere = state.withLock { state in
            let count = state.keys.count
            state.keys.removeAll { $0.accessKey == accessKey }
            return state.keys.count < count
        }
        guard wasThere else { throw AdminError(.noSuchAccessKey, "there is no access key \(accessKey)") }
    }

    func collect() async throws(AdminError) -> CollectionRecord {
        CollectionRecord(unusedBlocks: 3, removedBlocks: 2, rewrittenPacks: 1, freedBytes: -7)
    }

    func statistics() async throws(AdminError) -> StatisticsRecord { statisticsRecord }

    func verify(progress: @escaping @Sendable (UInt64, UInt64) -> Void) async throws(AdminError) -> VerificationRecord {
        for step in steps { progress(step.records, step.bytes) }
        return report
    }
}

extension StatisticsRecord {
    static let example = StatisticsRecord(
        objects: 12, versions: 14, logicalBytes: .max, uniqueBytes: 1 << 30, garbageBytes: 0, packBytes: 3 << 29, dedupRatio: 1.5,
        buckets: [Bucket(name: "photos", objects: 12, versions: 14, logicalBytes: 1 << 31)])
}
