internal import SkerryCRDT
internal import SkerryGossip

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What a million keys of 30 bytes with values of 40 take in memory: the record of each, and its place in the index by time.
enum Memory {
    static func measure(count: Int = 1_000_000) {
        let before = resident()
        var table = PackedKeyTable()
        var tree = ReconciliationTree()
        let value = [UInt8](repeating: 0x61, count: 40)
        for number in 0..<count {
            // 140 writes a second at three origins.
            let key = WriteKey(
                stamp: HybridTimestamp(milliseconds: 1_700_000_000_000 + UInt64(number) * 7, count: 0),
                origin: OriginID(rawValue: UInt64(1 + number % 3)), sequence: UInt64(number / 3 + 1))
            let name = Array("objects/some/prefix/".utf8) + digits(number)
            table.apply(KeyTable.Row(dot: key.dot, stamp: key.stamp, isRemoval: false, value: value), key: name)
            tree.insert(key, EntryDigest(key: key, content: name))
        }
        let allocated = Double(table.bytesAllocated + tree.bytesAllocated) / Double(count)
        let grown = Double(resident() - before) / Double(count)
        print("memory: \(table.bytesAllocated / count) B a key in the table, \(tree.bytesAllocated / count) B in the index")
        let most = max(allocated, grown)
        print("figure gossip.bytes-per-key \(Double(Int(most * 10)) / 10) B bar <= 220 \(most <= 220 ? "ok" : "short")")
        guard table.count == count, tree.count == count else {
            print("bench-gossip: entries are missing")
            exit(1)
        }
    }

    private static func digits(_ number: Int) -> [UInt8] {
        var (digits, rest) = ([UInt8](repeating: 48, count: 10), number)
        for place in stride(from: 9, through: 0, by: -1) {
            digits[place] = UInt8(48 + rest % 10)
            rest /= 10
        }
        return digits
    }

    /// Resident memory of this process, bytes.
    private static func resident() -> Int {
        guard let handle = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(handle) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, handle) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return (Int(fields[1]) ?? 0) * Int(getpagesize())
    }
}
