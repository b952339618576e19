#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Rows in the order of their keys, in blocks of bounded size: a B-tree of two levels.
///
/// - Invariant: no block is empty; keys ascend within and across blocks.
/// - Complexity: lookup O(log n); change O(n / ``blockMaximum`` + ``blockMaximum``) moves at worst.
struct SortedRows: Sendable {
    /// Rows of a block before it is split.
    static let blockMaximum = 256

    struct Row: Sendable {
        var key: [UInt8]
        var value: [UInt8]
    }

    /// A row's place. The place after all rows is block `blocks.count`, row 0.
    struct Index: Comparable {
        var block: Int
        var row: Int
        static func < (left: Index, right: Index) -> Bool { (left.block, left.row) < (right.block, right.row) }
    }

    private var blocks: [[Row]] = []

    func value(of key: [UInt8]) -> [UInt8]? {
        let index = lowerBound(key)
        guard index.block < blocks.count, self[index].key == key else { return nil }
        return self[index].value
    }

    mutating func put(_ key: [UInt8], _ value: [UInt8]) {
        var index = lowerBound(key)
        if index.block < blocks.count, self[index].key == key {
            blocks[index.block][index.row].value = value
            return
        }
        if index.row == 0, index.block > 0 { index = Index(block: index.block - 1, row: blocks[index.block - 1].count) }
        if blocks.isEmpty { blocks.append([]) }
        blocks[index.block].insert(Row(key: key, value: value), at: index.row)
        splitIfNeeded(index.block)
    }

    mutating func remove(_ key: [UInt8]) {
        let index = lowerBound(key)
        guard index.block < blocks.count, self[index].key == key else { return }
        blocks[index.block].remove(at: index.row)
        if blocks[index.block].isEmpty { blocks.remove(at: index.block) }
    }

    mutating func remove(in range: KeyRange) {
        let start = lowerBound(range.lower)
        let end = range.upper.map(lowerBound) ?? endIndex
        guard start < end else { return }
        let head = start.block < blocks.count ? Array(blocks[start.block][..<start.row]) : []
        let tail = end.block < blocks.count ? Array(blocks[end.block][end.row...]) : []
        let last = min(end.block + 1, blocks.count)
        blocks.replaceSubrange(start.block..<last, with: [head, tail].filter { !$0.isEmpty })
    }

    func scanForwards(
        _ range: KeyRange, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        var index = lowerBound(range.lower)
        let end = range.upper.map(lowerBound) ?? endIndex
        while index < end {
            let step = try visit(index, body)
            index = after(index)
            switch step {
            case .next: break
            case .stop: return
            case .seek(let key): index = max(index, lowerBound(key))
            }
        }
    }

    func scanBackwards(
        _ range: KeyRange, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        // `index` stands one behind the row that comes next.
        var index = range.upper.map(lowerBound) ?? endIndex
        let start = lowerBound(range.lower)
        while start < index {
            index = before(index)
            switch try visit(index, body) {
            case .next: break
            case .stop: return
            case .seek(let key): index = min(index, upperBound(key))
            }
        }
    }

    // MARK: -

    private subscript(_ index: Index) -> Row { blocks[index.block][index.row] }

    private var endIndex: Index { Index(block: blocks.count, row: 0) }

    private func after(_ index: Index) -> Index {
        index.row + 1 < blocks[index.block].count
            ? Index(block: index.block, row: index.row + 1) : Index(block: index.block + 1, row: 0)
    }

    private func before(_ index: Index) -> Index {
        index.row > 0
            ? Index(block: index.block, row: index.row - 1)
            : Index(block: index.block - 1, row: blocks[index.block - 1].count - 1)
    }

    /// First row whose key is not less than `key`.
    private func lowerBound(_ key: [UInt8]) -> Index {
        let block = blocks.partitionPoint { $0[$0.count - 1].key.precedes(key) }
        guard block < blocks.count else { return endIndex }
        return Index(block: block, row: blocks[block].partitionPoint { $0.key.precedes(key) })
    }

    /// First row whose key is greater than `key`.
    private func upperBound(_ key: [UInt8]) -> Index { lowerBound(key + [0]) }

    private func visit(
        _ index: Index, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) -> ScanStep {
        let row = self[index]
        return try row.key.withUnsafeBufferPointer { key throws(StorageError) in
            try row.value.withUnsafeBufferPointer { value throws(StorageError) in
                try body(UnsafeRawBufferPointer(key), UnsafeRawBufferPointer(value))
            }
        }
    }

    private mutating func splitIfNeeded(_ block: Int) {
        guard blocks[block].count > SortedRows.blockMaximum else { return }
        let half = blocks[block].count / 2
        blocks.insert(Array(blocks[block][half...]), at: block + 1)
        blocks[block].removeSubrange(half...)
    }
}

extension [UInt8] {
    /// Order of raw unsigned bytes; a prefix comes first.
    ///
    /// By memcmp, for the sake of builds without optimisation, in which most tests run: there it is most of what this table costs.
    func precedes(_ other: [UInt8]) -> Bool {
        let shared = Swift.min(count, other.count)
        guard shared > 0 else { return count < other.count }
        let order = withUnsafeBytes { left in
            other.withUnsafeBytes { right -> CInt in
                guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
                return memcmp(left, right, shared)
            }
        }
        return order == 0 ? count < other.count : order < 0
    }
}

extension RandomAccessCollection {
    /// First index whose element does not satisfy `isBefore`, where all that do stand first.
    fileprivate func partitionPoint(_ isBefore: (Element) -> Bool) -> Index {
        var low = startIndex
        var length = count
        while length > 0 {
            let half = length / 2
            let middle = index(low, offsetBy: half)
            if isBefore(self[middle]) {
                low = index(after: middle)
                length -= half + 1
            } else {
                length = half
            }
        }
        return low
    }
}
