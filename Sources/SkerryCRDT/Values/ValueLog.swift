/// The events of one container that have a value each, as they came in.
struct ValueLog: ~Copyable, Sendable {
    struct Entry: BitwiseCopyable, Sendable {
        var version: UInt32
        var offset: UInt32
    }

    private(set) var entries = RawArray<Entry>()
    private var bytes = RawArray<UInt8>()

    init() {}

    var count: Int { entries.count }
    var byteCount: Int { bytes.count }

    mutating func append(version: Int, _ payload: UnsafeBufferPointer<UInt8>) {
        entries.append(Entry(version: UInt32(version), offset: UInt32(bytes.count)))
        bytes.append(contentsOf: payload)
    }

    func payload(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        let start = Int(entries[index].offset)
        let end = index + 1 < entries.count ? Int(entries[index + 1].offset) : bytes.count
        return UnsafeBufferPointer(start: bytes.base + start, count: end - start)
    }

    /// The first entry at a local version or behind it.
    func firstEntry(atOrAfter version: UInt32) -> Int {
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].version < version { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// As ``firstEntry(atOrAfter:)``, where an entry that was asked for last is likely close before the one wanted.
    func firstEntry(atOrAfter version: UInt32, near hint: Int) -> Int {
        if hint < entries.count, entries[hint].version <= version {
            var index = hint
            for _ in 0..<8 {
                if index == entries.count || entries[index].version >= version { return index }
                index += 1
            }
        }
        return firstEntry(atOrAfter: version)
    }

    mutating func truncate(to count: Int) {
        if count == entries.count { return }
        bytes.truncate(to: Int(entries[count].offset))
        entries.truncate(to: count)
    }
}
