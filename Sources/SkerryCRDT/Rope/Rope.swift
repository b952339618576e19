/// Text as a B-tree of gap buffers, edited and read by Unicode scalar position.
///
/// ```
/// branch   32 links, each with the TextMeasure of what lies below
///   leaf   1,024 bytes of UTF-8 around a gap: | front ... gapStart | free | ... back |
/// ```
///
/// Nodes live in flat buffers and name each other by `UInt32`: no object per node, no reference counting. The leaf edited last is
/// cached together with its start, and what its edits change in the branches above waits in `pending` until another leaf is
/// wanted: a run of typing touches one leaf and nothing else.
///
/// - Complexity: an edit beside the last one O(1), any other O(log n).
struct Rope: ~Copyable, Sendable {
    static let leafCapacity = 1024
    /// What a bulk insertion puts in a leaf, so that later edits find room.
    static let leafFill = 768
    /// A leaf below this looks for a neighbour to join.
    static let leafMinimum = 256
    static let fanout = 32
    static let none = UInt32.max

    struct Leaf: BitwiseCopyable, Sendable {
        var parent = Rope.none
        var previous = Rope.none
        var next = Rope.none
        /// Where the gap starts; what follows the gap lies at the end of the leaf's bytes.
        var gapStart: UInt16 = 0
        var bytes: UInt16 = 0
        var scalars: UInt16 = 0
        var utf16: UInt16 = 0
        var newlines: UInt16 = 0

        @inline(__always)
        var measure: TextMeasure {
            TextMeasure(counts: SIMD4(UInt32(bytes), UInt32(scalars), UInt32(utf16), UInt32(newlines)))
        }

        @inline(__always)
        mutating func add(_ measure: TextMeasure) {
            bytes &+= UInt16(truncatingIfNeeded: measure.counts.x)
            scalars &+= UInt16(truncatingIfNeeded: measure.counts.y)
            utf16 &+= UInt16(truncatingIfNeeded: measure.counts.z)
            newlines &+= UInt16(truncatingIfNeeded: measure.counts.w)
        }
    }

    struct Branch: BitwiseCopyable, Sendable {
        var parent = Rope.none
        var count: UInt32 = 0
    }

    var leaves = RawArray<Leaf>(capacity: 1)
    var storage = RawArray<UInt8>(capacity: Rope.leafCapacity)
    var branches = RawArray<Branch>()
    var links = RawArray<UInt32>()
    var sums = RawArray<SIMD4<UInt32>>()
    var freeLeaf = Rope.none
    var freeBranch = Rope.none

    /// A leaf when `height` is 0, else a branch.
    var root: UInt32 = 0
    var height = 0
    var firstLeaf: UInt32 = 0

    /// What the whole text measures, always up to date.
    var total = TextMeasure.zero

    /// The leaf edited last, and what the branches above do not know of it yet.
    var cachedLeaf: UInt32 = 0
    /// In scalars.
    var cachedStart = 0
    var pending = TextMeasure.zero

    init() {
        leaves.append(Leaf())
        storage.appendUninitialized(Rope.leafCapacity)
    }

    @inline(__always)
    func bytes(of leaf: UInt32) -> UnsafeMutablePointer<UInt8> { storage.base + Int(leaf) * Rope.leafCapacity }
}

// MARK: - Nodes

extension Rope {
    mutating func allocateLeaf() -> UInt32 {
        if freeLeaf != Rope.none {
            let leaf = freeLeaf
            freeLeaf = leaves[Int(leaf)].next
            leaves[Int(leaf)] = Leaf()
            return leaf
        }
        leaves.append(Leaf())
        storage.appendUninitialized(Rope.leafCapacity)
        return UInt32(leaves.count - 1)
    }

    mutating func allocateBranch() -> UInt32 {
        if freeBranch != Rope.none {
            let branch = freeBranch
            freeBranch = branches[Int(branch)].parent
            branches[Int(branch)] = Branch()
            return branch
        }
        branches.append(Branch())
        links.append(repeating: Rope.none, count: Rope.fanout)
        sums.append(repeating: .zero, count: Rope.fanout)
        return UInt32(branches.count - 1)
    }

    @inline(__always)
    func slot(of child: UInt32, in branch: UInt32) -> Int {
        let start = links.base + Int(branch) * Rope.fanout
        var slot = 0
        while start[slot] != child { slot &+= 1 }
        return slot
    }

    func sum(of branch: UInt32) -> SIMD4<UInt32> {
        let start = sums.base + Int(branch) * Rope.fanout
        var result = SIMD4<UInt32>.zero
        for slot in 0..<Int(branches[Int(branch)].count) { result &+= start[slot] }
        return result
    }

    /// Brings the branches up to date with the cached leaf.
    @inline(__always)
    mutating func flush() {
        if pending != .zero { flushPending() }
    }

    private mutating func flushPending() {
        var child = cachedLeaf
        var parent = leaves[Int(child)].parent
        while parent != Rope.none {
            sums[Int(parent) * Rope.fanout + slot(of: child, in: parent)] &+= pending.counts
            child = parent
            parent = branches[Int(parent)].parent
        }
        pending = .zero
    }

    /// Makes the leaf that holds the position the cached one: `cachedStart <= position <= cachedStart + its scalars`.
    @inline(__always)
    mutating func seek(_ position: Int) {
        let offset = position - cachedStart
        if offset >= 0, offset <= Int(leaves[Int(cachedLeaf)].scalars) { return }
        descend(to: position)
    }

    private mutating func descend(to position: Int) {
        flush()
        var node = root
        var start = 0
        for _ in 0..<height {
            let first = Int(node) * Rope.fanout
            let last = Int(branches[Int(node)].count) - 1
            var slot = 0
            while slot < last {
                let scalars = Int(sums.base[first + slot].y)
                if position <= start + scalars { break }
                start += scalars
                slot += 1
            }
            node = links.base[first + slot]
        }
        cachedLeaf = node
        cachedStart = start
    }

    /// The byte offset in the leaf's text of a scalar offset.
    @inline(__always)
    func byteOffset(in leaf: UInt32, scalars: Int) -> Int {
        let header = leaves[Int(leaf)]
        if header.bytes == header.scalars { return scalars }
        if scalars == Int(header.scalars) { return Int(header.bytes) }
        return scanOffset(in: leaf, scalars: scalars)
    }

    private func scanOffset(in leaf: UInt32, scalars: Int) -> Int {
        let header = leaves[Int(leaf)]
        let bytes = bytes(of: leaf)
        let gap = Rope.leafCapacity - Int(header.bytes)
        var left = scalars
        var offset = 0
        while true {
            let byte = bytes[offset < Int(header.gapStart) ? offset : offset + gap]
            if byte & 0xC0 != 0x80 {
                if left == 0 { return offset }
                left -= 1
            }
            offset += 1
        }
    }

    /// Moves the gap to a byte offset of the leaf's text.
    @inline(__always)
    mutating func moveGap(of leaf: UInt32, to offset: Int) {
        let gapStart = Int(leaves[Int(leaf)].gapStart)
        if gapStart == offset { return }
        let bytes = bytes(of: leaf)
        let gap = Rope.leafCapacity - Int(leaves[Int(leaf)].bytes)
        if offset < gapStart {
            (bytes + offset + gap).update(from: bytes + offset, count: gapStart - offset)
        } else {
            (bytes + gapStart).update(from: bytes + gapStart + gap, count: offset - gapStart)
        }
        leaves[Int(leaf)].gapStart = UInt16(offset)
    }
}
