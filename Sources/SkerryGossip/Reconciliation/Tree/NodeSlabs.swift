/// Memory for nodes of one size, given out as numbers. Slabs never move, so growth copies nothing and leaves no slack behind.
///
/// A number that was given back is given out again first.
struct NodeSlabs: ~Copyable {
    private static let nodesPerSlab = 64

    private let nodeSize: Int
    private var slabs: [UnsafeMutableRawPointer] = []
    private var used: UInt32 = 0
    private var free: [UInt32] = []

    init(nodeSize: Int) { self.nodeSize = nodeSize }

    deinit { for slab in slabs { slab.deallocate() } }

    var bytesAllocated: Int { slabs.count * NodeSlabs.nodesPerSlab * nodeSize + (slabs.capacity * 8) + (free.capacity * 4) }
    var nodesInUse: Int { Int(used) - free.count }

    /// The memory of a node that was given out.
    @inline(__always)
    subscript(node: UInt32) -> UnsafeMutableRawPointer {
        slabs[Int(node) / NodeSlabs.nodesPerSlab] + (Int(node) % NodeSlabs.nodesPerSlab) * nodeSize
    }

    mutating func allocate() -> UInt32 {
        if let node = free.popLast() { return node }
        if Int(used) == slabs.count * NodeSlabs.nodesPerSlab {
            slabs.append(.allocate(byteCount: NodeSlabs.nodesPerSlab * nodeSize, alignment: 64))
        }
        used += 1
        return used - 1
    }

    mutating func release(_ node: UInt32) { free.append(node) }

    mutating func removeAll() {
        for slab in slabs { slab.deallocate() }
        slabs = []
        free = []
        used = 0
    }
}
