internal import Crypto
public import SkerryMerge

/// What files looked like when they were last read, and what they held: a file that looks the same is not read again (docs/formats/history.md, "Work
/// tree").
///
/// Only a help: without it, or with a damaged one, everything is read.
public struct WorkTreeIndex: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        let stamp: FileStamp
        let id: ObjectID
    }

    private(set) var entries: [FilePath: Entry] = [:]

    /// Nanoseconds that must lie between a change and its being looked at, one second: a file that is changed again within the grain of
    /// the file system's clock, which may be coarse, would look the same.
    static var settling: Int64 { 1_000_000_000 }
    /// Bytes of the largest index that is read: 1 GiB.
    public static var sizeMaximum: UInt64 { 1 << 30 }

    public init() {}

    /// The content of a file that still looks so.
    func id(of path: FilePath, _ stamp: FileStamp) -> ObjectID? {
        guard let entry = entries[path], entry.stamp == stamp else { return nil }
        return entry.id
    }

    /// - Parameter now: nanoseconds since 1970, from before the file was looked at.
    mutating func note(_ path: FilePath, _ stamp: FileStamp, _ id: ObjectID, now: Int64) {
        let isSettled = max(stamp.modified, stamp.changed) < now - Self.settling
        entries[path] = isSettled ? Entry(stamp: stamp, id: id) : nil
    }

    mutating func forget(_ path: FilePath) { entries[path] = nil }
}

// MARK: - Encoding

extension WorkTreeIndex {
    /// `SkHw`, then the version.
    private static var magic: [UInt8] { [0x53, 0x6B, 0x48, 0x77, 1] }

    public var encoded: [UInt8] {
        var writer = FieldWriter()
        writer.raw(Self.magic)
        writer.count(entries.count)
        for (path, entry) in entries.sorted(by: { $0.key < $1.key }) {
            writer.count(path.names.count)
            for name in path.names { writer.string(name) }
            writer.integer(entry.stamp.size)
            writer.integer(UInt64(bitPattern: entry.stamp.modified))
            writer.integer(UInt64(bitPattern: entry.stamp.changed))
            writer.integer(entry.stamp.number)
            writer.raw(entry.id.bytes)
        }
        return writer.bytes + Array(SHA256.hash(data: writer.bytes))
    }

    /// - Returns: nil for anything damaged or of another version.
    public init?(encoded bytes: [UInt8]) {
        guard bytes.count >= 32, bytes.suffix(32).elementsEqual(SHA256.hash(data: bytes.dropLast(32))) else { return nil }
        var reader = FieldReader(bytes.dropLast(32))
        do throws(FormatError) {
            guard try reader.raw(Self.magic.count).elementsEqual(Self.magic) else { return nil }
            let count = try reader.count(ofAtLeast: 7 + ObjectID.size)
            entries.reserveCapacity(count)
            for _ in 0..<count {
                var names: [[UInt8]] = []
                for _ in 0..<(try reader.count(ofAtLeast: 2, maximum: FilePath.depthMaximum)) {
                    names.append(Array(try reader.string(maximum: 255)))
                }
                guard let path = FilePath(names: names) else { return nil }
                let stamp = FileStamp(
                    size: try reader.integer(), modified: Int64(bitPattern: try reader.integer()),
                    changed: Int64(bitPattern: try reader.integer()), number: try reader.integer())
                entries[path] = Entry(stamp: stamp, id: try reader.objectID())
            }
            try reader.end()
        } catch {
            return nil
        }
    }
}
