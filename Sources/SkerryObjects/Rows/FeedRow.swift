import SkerryCRDT
import SkerryStorage

/// A row of the feed: what a write of an origin changed. It points, it carries no bodies.
struct FeedRow: Sendable, Hashable {
    enum Change: Sendable, Hashable {
        case version(BucketID, ObjectKey, VersionID)
        case tombstone(BucketID, ObjectKey)
        case bucket(String)
        case user(String)
        case accessKey(String)
    }

    var time: HybridTimestamp
    var change: Change

    init(time: HybridTimestamp, change: Change) {
        self.time = time
        self.change = change
    }

    var bytes: [UInt8] {
        var writer = FieldWriter()
        writer.write(fixed: time.rawValue)
        switch change {
        case .version(let bucket, let key, let id):
            writer.write(byte: 0)
            writer.write(fixed: bucket.rawValue)
            writer.write(key.bytes)
            writer.write(id)
        case .tombstone(let bucket, let key):
            writer.write(byte: 1)
            writer.write(fixed: bucket.rawValue)
            writer.write(key.bytes)
        case .bucket(let name):
            writer.write(byte: 2)
            writer.write(name)
        case .user(let id):
            writer.write(byte: 3)
            writer.write(id)
        case .accessKey(let id):
            writer.write(byte: 4)
            writer.write(id)
        }
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(StorageError) {
        var reader = FieldReader(bytes)
        time = HybridTimestamp(rawValue: try reader.readFixed())
        switch try reader.readByte() {
        case 0:
            let bucket = BucketID(rawValue: try reader.readFixed())
            let key = try reader.readKey()
            change = .version(bucket, key, try reader.readVersionID())
        case 1:
            let bucket = BucketID(rawValue: try reader.readFixed())
            change = .tombstone(bucket, try reader.readKey())
        case 2: change = .bucket(try reader.readString())
        case 3: change = .user(try reader.readString())
        case 4: change = .accessKey(try reader.readString())
        case let kind: throw StorageError(.newerFormat, "feed row of kind \(kind), which this release does not know")
        }
    }
}
