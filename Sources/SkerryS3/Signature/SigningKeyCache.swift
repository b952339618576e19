import Synchronization

/// Remembers derived signing keys, which live for a day and are needed with each request.
///
/// Two generations: a key found in the old one moves to the young one; when the young one is full it becomes the old one, and what was in
/// neither is forgotten. An entry counts only while the secret it was derived from is still the credential's, so a rotated or re-created
/// access key needs no invalidation.
///
/// - Invariant: at most 2 · ``generationCapacity`` keys are held, about 600 bytes each.
/// - Complexity: O(1) expected; a miss derives the key outside the lock.
final class SigningKeyCache: Sendable {
    static let generationCapacity = 1_024

    private struct Name: Hashable {
        var accessKey: String
        var day: Int
    }

    private struct Entry {
        var secret: [UInt8]
        var key: SigningKey
    }

    private struct Generations {
        var young: [Name: Entry] = [:]
        var old: [Name: Entry] = [:]

        mutating func find(_ name: Name) -> Entry? {
            if let entry = young[name] { return entry }
            guard let entry = old.removeValue(forKey: name) else { return nil }
            insert(entry, for: name)
            return entry
        }

        mutating func insert(_ entry: Entry, for name: Name) {
            if young.count >= SigningKeyCache.generationCapacity, young[name] == nil {
                old = young
                young = [:]
            }
            young[name] = entry
        }
    }

    private let region: String
    private let generations = Mutex(Generations())

    /// - Parameter region: The region of all keys.
    init(region: String) { self.region = region }

    /// The key of `credential` on a day (`yyyyMMdd`).
    func key(for credential: SigningCredential, day: Int) -> SigningKey {
        let name = Name(accessKey: credential.accessKey, day: day)
        if let entry = generations.withLock({ $0.find(name) }), entry.secret == credential.secret { return entry.key }
        let key = SigningKey(secret: credential.secret, day: day, region: region)
        generations.withLock { $0.insert(Entry(secret: credential.secret, key: key), for: name) }
        return key
    }

    /// How many keys are held, for tests.
    var count: Int { generations.withLock { $0.young.count + $0.old.count } }

    /// Whether a key is held, for tests; does not count as a use.
    func holds(_ accessKey: String, day: Int) -> Bool {
        let name = Name(accessKey: accessKey, day: day)
        return generations.withLock { $0.young[name] != nil || $0.old[name] != nil }
    }
}
