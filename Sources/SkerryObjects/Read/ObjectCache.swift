import SkerryCache
import SkerryChunks

/// Current versions that were read lately, with small bodies and the open places of larger ones, so that a GET needs neither index nor thread hop.
final class ObjectCache: Sendable {
    struct Name: Sendable, Hashable {
        var bucket: BucketID
        var key: ObjectKey
    }

    /// What a reader needs of a current version.
    struct Entry: Sendable {
        var record: VersionRecord
        /// The bytes of an inline body.
        var inline: [UInt8]
        /// The open chunks of a body that names them itself; of a body with manifests the record that lists them; none for an inline body.
        var blocks: [OpenBlock]

        var charge: Int { 512 + record.version.key.bytes.count + inline.count + blocks.count * 128 }
    }

    private let cache: CoalescingCache<Name, Entry>

    /// - Parameter capacity: bytes.
    init(capacity: Int) { cache = CoalescingCache(capacity: capacity) { $1.charge } }

    func entry(_ bucket: BucketID, _ key: ObjectKey) -> Entry? { cache.value(for: Name(bucket: bucket, key: key)) }

    /// The cached entry, or what `body` finds; an invalidation during `body` keeps its result out of the cache.
    func entry(
        _ bucket: BucketID, _ key: ObjectKey, load body: () async throws(ObjectError) -> Entry
    ) async throws(ObjectError) -> Entry {
        let name = Name(bucket: bucket, key: key)
        let token = cache.beginLoad(name)
        do throws(ObjectError) {
            let entry = try await body()
            _ = cache.finishLoad(token, with: entry)
            return entry
        } catch {
            cache.abandonLoad(token)
            throw error
        }
    }

    func invalidate(_ bucket: BucketID, _ key: ObjectKey) { cache.invalidate(Name(bucket: bucket, key: key)) }

    /// Forgets everything, so that removed packs can be closed.
    func removeAll() { cache.invalidateAll() }
}
