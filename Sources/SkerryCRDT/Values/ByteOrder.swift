/// Puts strings in the order of their bytes.
///
/// Many keys begin alike and differ late, so they are compared eight bytes at a time, each stretch sorted by its digits. O(n) in the bytes that
/// tell them apart.
struct ByteOrder: ~Copyable {
    private struct Item: BitwiseCopyable, Sendable {
        /// The eight bytes at the depth at hand, first highest, with zeros behind the end.
        var digits: UInt64
        var index: UInt32
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private let ranges: UnsafeBufferPointer<Range<UInt32>>
    private var items: RawArray<Item>
    private var spare: RawArray<Item>

    private init(_ bytes: UnsafeBufferPointer<UInt8>, _ ranges: UnsafeBufferPointer<Range<UInt32>>) {
        self.bytes = bytes
        self.ranges = ranges
        items = RawArray(capacity: ranges.count)
        for index in 0..<ranges.count { items.append(Item(digits: 0, index: UInt32(index))) }
        spare = RawArray(capacity: ranges.count)
        spare.appendUninitialized(ranges.count)
    }

    /// The indices of some stretches of bytes, in order.
    static func indices(of ranges: UnsafeBufferPointer<Range<UInt32>>, in bytes: UnsafeBufferPointer<UInt8>) -> [Int] {
        var order = ByteOrder(bytes, ranges)
        order.sort()
        return order.items.elements.map { Int($0.index) }
    }

    /// The indices of the strings, in order. Their bytes together are less than 4 GiB.
    static func indices(of strings: [String]) -> [Int] {
        var bytes = RawArray<UInt8>()
        var ranges: [Range<UInt32>] = []
        for var string in strings {
            let start = UInt32(bytes.count)
            string.withUTF8 { bytes.append(contentsOf: $0) }
            ranges.append(start..<UInt32(bytes.count))
        }
        return ranges.withUnsafeBufferPointer { indices(of: $0, in: bytes.elements) }
    }

    @inline(__always)
    private func string(_ index: UInt32) -> UnsafeBufferPointer<UInt8> {
        let range = ranges[Int(index)]
        return UnsafeBufferPointer(rebasing: bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }

    private mutating func sort() {
        // Stretches that are alike up to a depth.
        var open = [(range: 0..<items.count, depth: 0)]
        while let (range, depth) = open.popLast() {
            if range.count < 2 { continue }
            for position in range { items[position].digits = digits(of: items[position].index, at: depth) }
            if range.count < 48 { insertionSort(range) } else { digitSort(range) }
            var start = range.lowerBound
            for position in range where position > start && items[position].digits != items[start].digits {
                close(start..<position, depth, &open)
                start = position
            }
            close(start..<range.upperBound, depth, &open)
        }
    }

    /// A stretch with the same eight bytes: those that end within them come first, the shorter before the longer; the rest goes on.
    private mutating func close(_ range: Range<Int>, _ depth: Int, _ open: inout [(range: Range<Int>, depth: Int)]) {
        if range.count < 2 { return }
        let end = depth + 8
        var ended = range.lowerBound
        for position in range where string(items[position].index).count < end {
            let item = items[position]
            // Their bytes are alike, so they differ in how many zeros they end with: seldom any, at most eight of them.
            var slot = position
            while slot > range.lowerBound,
                slot > ended || string(items[slot - 1].index).count > string(item.index).count
            {
                items[slot] = items[slot - 1]
                slot -= 1
            }
            items[slot] = item
            ended += 1
        }
        if range.upperBound - ended > 1 { open.append((ended..<range.upperBound, end)) }
    }

    private func digits(of index: UInt32, at depth: Int) -> UInt64 {
        let string = string(index)
        if depth + 8 <= string.count {
            return UInt64(bigEndian: UnsafeRawPointer(string.baseAddress! + depth).loadUnaligned(as: UInt64.self))
        }
        var digits: UInt64 = 0
        for offset in 0..<max(0, string.count - depth) { digits |= UInt64(string[depth + offset]) << UInt64(56 - 8 * offset) }
        return digits
    }

    private mutating func insertionSort(_ range: Range<Int>) {
        for position in range.dropFirst() {
            let item = items[position]
            var slot = position
            while slot > range.lowerBound, items[slot - 1].digits > item.digits {
                items[slot] = items[slot - 1]
                slot -= 1
            }
            items[slot] = item
        }
    }

    /// By the last byte first, each pass keeping the order of the one before; bytes that are the same everywhere are passed over.
    private mutating func digitSort(_ range: Range<Int>) {
        var differing: UInt64 = 0
        let first = items[range.lowerBound].digits
        for position in range { differing |= items[position].digits ^ first }
        var counts = RawArray<Int>(capacity: 256)
        counts.append(repeating: 0, count: 256)
        for shift in stride(from: UInt64(0), to: 64, by: 8) where differing >> shift & 0xFF != 0 {
            counts.base.update(repeating: 0, count: 256)
            for position in range { counts[Int(items[position].digits >> shift & 0xFF)] += 1 }
            var sum = range.lowerBound
            for digit in 0..<256 { (counts[digit], sum) = (sum, sum + counts[digit]) }
            for position in range {
                let digit = Int(items[position].digits >> shift & 0xFF)
                spare[counts[digit]] = items[position]
                counts[digit] += 1
            }
            (items.base + range.lowerBound).update(from: spare.base + range.lowerBound, count: range.count)
        }
    }
}
