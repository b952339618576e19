import SkerryCRDT
import SkerryStorage
import Synchronization

/// The settings in memory: buckets, users and access keys, read by every request and changed by commits alone.
final class Registry: Sendable {
    struct State: Sendable {
        var buckets: [String: Bucket] = [:]
        /// Names in order, for listings.
        var bucketNames: [String] = []
        var users: [String: User] = [:]
        var accessKeys: [String: AccessKey] = [:]
    }

    private let state: Mutex<State>

    /// Reads all settings from the index. O(settings).
    init(_ metadata: any MetadataEngine) throws(StorageError) {
        var loaded = State()
        try metadata.scan(.settings, .all) { key, row throws(StorageError) in
            guard let kind = key.first, Array(key) != IndexKey.applied else { return .next }
            let fields = Array(try LocatedRow.parse(Array(row)[...]).fields)
            switch kind {
            case UInt8(ascii: "b"):
                let bucket = try Setting.bucket(fields).value
                loaded.buckets[bucket.name] = bucket
            case UInt8(ascii: "u"):
                let user = try Setting.user(fields).value
                loaded.users[user.id] = user
            case UInt8(ascii: "k"):
                let accessKey = try Setting.accessKey(fields).value
                loaded.accessKeys[accessKey.id] = accessKey
            default: break
            }
            return .next
        }
        loaded.bucketNames = loaded.buckets.keys.sorted()
        state = Mutex(loaded)
    }

    /// A consistent view for one look.
    func read<Result>(_ body: (State) -> Result) -> Result { state.withLock { body($0) } }

    func bucket(_ name: String) -> Bucket? { read { $0.buckets[name] } }

    func set(_ bucket: Bucket) {
        state.withLock { state in
            if state.buckets.updateValue(bucket, forKey: bucket.name) == nil {
                state.bucketNames.insert(bucket.name, at: Registry.index(of: bucket.name, in: state.bucketNames))
            }
        }
    }

    func removeBucket(_ name: String) {
        state.withLock { state in
            guard state.buckets.removeValue(forKey: name) != nil else { return }
            state.bucketNames.remove(at: Registry.index(of: name, in: state.bucketNames))
        }
    }

    func set(_ user: User) { state.withLock { $0.users[user.id] = user } }
    func removeUser(_ id: String) { state.withLock { _ = $0.users.removeValue(forKey: id) } }
    func set(_ key: AccessKey) { state.withLock { $0.accessKeys[key.id] = key } }
    func removeAccessKey(_ id: String) { state.withLock { _ = $0.accessKeys.removeValue(forKey: id) } }

    /// Where `name` stands, or would stand, in the sorted names. O(log n).
    static func index(of name: String, in names: [String]) -> Int {
        var low = 0, high = names.count
        while low < high {
            let middle = (low + high) / 2
            if names[middle] < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
