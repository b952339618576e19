import SkerryCache
import SkerryChunks
import SkerryStorage

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

    }

    /// An entry as it is kept. Its packs are held weakly: entries by the ten thousand must not keep more files open than the log itself
    /// does, nor the room of removed ones. An entry whose pack was closed is looked up anew.
    private struct Kept: Sendable {
        struct Block: Sendable {
            weak let handle: (any PackHandle)?
            let location: RecordLocation
        }

        var record: VersionRecord
        var inline: [UInt8]
        var blocks: [Block]

        init(_ entry: Entry) {
            record = entry.record
            inline = entry.inline
            blocks = entry.blocks.map { Block(handle: $0.handle, location: $0.location) }
        }

        var entry: Entry? {
            var open: [OpenBlock] = []
            open.reserveCapacity(blocks.count)
            for block in blocks {
                guard let handle = block.handle else { return nil }
                open.append(OpenBlock(handle: handle, location: block.location))
            }
            return Entry(record: record, inline: inline, blocks: open)
        }

        /// Bytes, about: what a row and its place in the cache take, and what grows with the object's fields.
        var charge: Int {
            let version = record.version
            let fields = version.metadata.headers + version.metadata.user
            let text = fields.reduce(version.metadata.contentType?.utf8.count ?? 0) { $0 + 64 + $1.name.utf8.count + $1.value.utf8.count }
            return 512 + version.key.bytes.count * 2 + text + inline.count + blocks.count * 128
        }
    }

    private let cache: CoalescingCache<Name, Kept>

    /// - Parameter capacity: bytes.
    init(capacity: Int) { cache = CoalescingCache(capacity: capacity) { $1.charge } }

    func entry(_ bucket: BucketID, _ key: ObjectKey) -> Entry? { cache.value(for: Name(bucket: bucket, key: key))?.entry }

    /// The cached entry, or what `body` finds; an invalidation during `body` keeps its result out of the cache.
    func entry(
        _ bucket: BucketID, _ key: ObjectKey, load body: () async throws(ObjectError) -> Entry
    ) async throws(ObjectError) -> Entry {
        let name = Name(bucket: bucket, key: key)
        let token = cache.beginLoad(name)
        do throws(ObjectError) {
            let entry = try await body()
            cache.finishLoad(token, with: Kept(entry))
            return entry
        } catch {
            cache.abandonLoad(token)
            throw error
        }
    }

    func invalidate(_ bucket: BucketID, _ key: ObjectKey) { cache.invalidate(Name(bucket: bucket, key: key)) }

    /// Forgets everything.
    func removeAll() { cache.invalidateAll() }
}
