/// The shape of a history without its content: who descends from whom.
///
/// A value in memory, about 100 bytes a commit; commits are added after their parents. A commit of the boundary may lack its parents (a shallow
/// clone ends there).
public struct CommitGraph: Sendable {
    /// A commit as the graph sees it. Parents are positions, always smaller than the commit's own.
    struct Node: Sendable {
        var id: ObjectID
        var parents: [Int32]
        var generation: UInt64
        var timestamp: UInt64
    }

    private(set) var nodes: [Node] = []
    private var positions: [ObjectID: Int32] = [:]
    /// Commits whose parents are not here.
    public private(set) var boundary: Set<ObjectID> = []

    public init() {}

    public var count: Int { nodes.count }

    public func contains(_ id: ObjectID) -> Bool { positions[id] != nil }

    public func parents(of id: ObjectID) -> [ObjectID]? {
        positions[id].map { nodes[Int($0)].parents.map { nodes[Int($0)].id } }
    }

    func generation(of id: ObjectID) -> UInt64? { positions[id].map { nodes[Int($0)].generation } }

    /// Adds a commit; one that is here already changes nothing, except that a boundary commit gains parents that arrived meanwhile.
    ///
    /// - Parameter isBoundary: whether parents may be missing.
    /// - Throws: ``HistoryError`` with `dangling` for a missing parent, `corrupt` for a generation that does not follow from the parents'.
    public mutating func insert(_ id: ObjectID, _ commit: Commit, isBoundary: Bool = false) throws(HistoryError) {
        guard !contains(id) else { return }
        var parents: [Int32] = []
        var generation: UInt64 = 0
        for parent in commit.parents {
            guard let position = positions[parent] else {
                if isBoundary { continue }
                throw HistoryError(.dangling, "the parent \(parent.abbreviated) is not here", object: id)
            }
            parents.append(position)
            generation = max(generation, nodes[Int(position)].generation &+ 1)
        }
        let isComplete = parents.count == commit.parents.count
        guard isComplete ? commit.generation == generation : commit.generation >= generation, commit.generation < .max else {
            throw HistoryError(.corrupt, "generation \(commit.generation) where \(generation) follows", object: id)
        }
        if !isComplete { boundary.insert(id) }
        positions[id] = Int32(nodes.count)
        nodes.append(Node(id: id, parents: parents, generation: commit.generation, timestamp: commit.timestamp))
    }
}

// MARK: - Ancestry

extension CommitGraph {
    /// Whether `ancestor` is `descendant` or leads to it.
    ///
    /// - Complexity: O(commits between the two generations).
    public func isAncestor(_ ancestor: ObjectID, of descendant: ObjectID) -> Bool {
        guard let goal = positions[ancestor], let start = positions[descendant] else { return false }
        let floor = nodes[Int(goal)].generation
        var seen: Set<Int32> = [start]
        var pending = [start]
        while let position = pending.popLast() {
            if position == goal { return true }
            for parent in nodes[Int(position)].parents where nodes[Int(parent)].generation >= floor && seen.insert(parent).inserted {
                pending.append(parent)
            }
        }
        return false
    }

    /// The best common ancestors: common ancestors that no other common ancestor descends from, in order of their identifiers.
    ///
    /// There is one in simple histories and several when branches merged each other crosswise; ``History`` merges these into a virtual base.
    /// Every parent counts, not the first alone.
    ///
    /// - Complexity: O(n log n) in the commits from the heads down to the bases.
    public func mergeBases(_ left: ObjectID, _ right: ObjectID) -> [ObjectID] { mergeBases([left], [right]) }

    /// As ``mergeBases(_:_:)``, for two virtual commits with these parents.
    func mergeBases(_ left: [ObjectID], _ right: [ObjectID]) -> [ObjectID] {
        // Colours flow from the heads to their ancestors. Generations make every commit come after all its descendants, so its colours are
        // final when it comes: if it has both and no base stands above it, it is a base.
        var colours: [Int32: UInt8] = [:]
        var queue = GenerationQueue()
        for (heads, colour) in [(left, 1 as UInt8), (right, 2)] {
            for position in heads.compactMap({ positions[$0] }) {
                if colours[position] == nil { queue.push(position, nodes[Int(position)].generation) }
                colours[position, default: 0] |= colour
            }
        }
        /// Queued commits that may still lead to a base.
        var open = queue.count
        var bases: [ObjectID] = []
        while open > 0, let position = queue.pop() {
            var colour = colours[position] ?? 0
            if colour & 4 == 0 {
                open -= 1
                if colour == 3 {
                    bases.append(nodes[Int(position)].id)
                    colour |= 4
                }
            }
            for parent in nodes[Int(position)].parents {
                let before = colours[parent]
                let after = (before ?? 0) | colour
                guard before != after else { continue }
                colours[parent] = after
                if before == nil {
                    queue.push(parent, nodes[Int(parent)].generation)
                    if after & 4 == 0 { open += 1 }
                } else if (before ?? 0) & 4 == 0, after & 4 != 0 {
                    open -= 1
                }
            }
        }
        return bases.sorted()
    }

    /// What `heads` lead to and `excluded` do not, each commit after its parents.
    ///
    /// - Parameter edge: commits of `excluded` behind which nothing is excluded: whoever has those lacks their ancestors.
    public func commits(
        from heads: some Sequence<ObjectID>, excluding excluded: some Sequence<ObjectID>, behind edge: Set<ObjectID> = []
    ) -> [ObjectID] {
        let hidden = ancestors(excluded.compactMap { positions[$0] }, hidden: [], edge: Set(edge.compactMap { positions[$0] }))
        let wanted = ancestors(heads.compactMap { positions[$0] }.filter { !hidden.contains($0) }, hidden: hidden)
        return wanted.sorted().map { nodes[Int($0)].id }
    }

    /// What `heads` lead to and a peer lacks that has `common` with all before them down to its `edge`: also what lies behind that edge.
    func commits(behind common: some Sequence<ObjectID>, upTo edge: Set<ObjectID>, from heads: [ObjectID]) -> [ObjectID] {
        let hidden = ancestors(common.compactMap { positions[$0] }, hidden: [], edge: Set(edge.compactMap { positions[$0] }))
        let all = ancestors(heads.compactMap { positions[$0] }, hidden: [])
        return all.subtracting(hidden).sorted().map { nodes[Int($0)].id }
    }

    private func ancestors(_ heads: [Int32], hidden: Set<Int32>, edge: Set<Int32> = []) -> Set<Int32> {
        var seen = Set(heads)
        var pending = Array(seen)
        while let position = pending.popLast() {
            if edge.contains(position) { continue }
            for parent in nodes[Int(position)].parents where !hidden.contains(parent) && seen.insert(parent).inserted {
                pending.append(parent)
            }
        }
        return seen
    }

    /// What `heads` lead to in at most `depth` steps, each commit after its parents, and those of them whose parents lie beyond.
    func commits(from heads: [ObjectID], depth: Int) -> (commits: [ObjectID], boundary: [ObjectID]) {
        var reached = Set(heads.compactMap { positions[$0] })
        var edge = Array(reached)
        for _ in 1..<max(1, depth) {
            edge = edge.flatMap { nodes[Int($0)].parents }.filter { reached.insert($0).inserted }
        }
        let ordered = reached.sorted()
        let cut = ordered.filter { position in
            nodes[Int(position)].parents.contains { !reached.contains($0) } || boundary.contains(nodes[Int(position)].id)
        }
        return (ordered.map { nodes[Int($0)].id }, cut.map { nodes[Int($0)].id })
    }
}

// MARK: - Order

extension CommitGraph {
    /// What `heads` lead to, newest first: every commit before its parents, and otherwise by time, then identifier.
    public func log(from heads: [ObjectID]) -> [ObjectID] {
        let all = ancestors(heads.compactMap { positions[$0] }, hidden: [])
        var children: [Int32: Int] = [:]
        for position in all { for parent in nodes[Int(position)].parents { children[parent, default: 0] += 1 } }
        var queue = LogQueue()
        for position in all where children[position] == nil { queue.push(nodes[Int(position)], position) }
        var result: [ObjectID] = []
        while let position = queue.pop() {
            result.append(nodes[Int(position)].id)
            for parent in nodes[Int(position)].parents {
                children[parent, default: 0] -= 1
                if children[parent] == 0 { queue.push(nodes[Int(parent)], parent) }
            }
        }
        return result
    }
}

/// Commits by falling generation.
private struct GenerationQueue {
    private var heap = BinaryHeap<Entry>()

    private struct Entry: Comparable {
        var generation: UInt64
        var position: Int32
        static func < (left: Entry, right: Entry) -> Bool {
            (left.generation, left.position) > (right.generation, right.position)
        }
    }

    var count: Int { heap.count }
    mutating func push(_ position: Int32, _ generation: UInt64) { heap.push(Entry(generation: generation, position: position)) }
    mutating func pop() -> Int32? { heap.pop()?.position }
}

/// Commits by falling time.
private struct LogQueue {
    private var heap = BinaryHeap<Entry>()

    private struct Entry: Comparable {
        var timestamp: UInt64
        var id: ObjectID
        var position: Int32
        static func < (left: Entry, right: Entry) -> Bool {
            left.timestamp != right.timestamp ? left.timestamp > right.timestamp : left.id < right.id
        }
    }

    mutating func push(_ node: CommitGraph.Node, _ position: Int32) {
        heap.push(Entry(timestamp: node.timestamp, id: node.id, position: position))
    }
    mutating func pop() -> Int32? { heap.pop()?.position }
}

/// The smallest first.
private struct BinaryHeap<Element: Comparable> {
    private var elements: [Element] = []

    var count: Int { elements.count }

    mutating func push(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0, elements[child] < elements[(child - 1) / 2] {
            elements.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Element? {
        guard let smallest = elements.first, let last = elements.popLast() else { return nil }
        guard !elements.isEmpty else { return smallest }
        elements[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < elements.count && elements[child] < elements[least] {
                least = child
            }
            guard least != parent else { return smallest }
            elements.swapAt(parent, least)
            parent = least
        }
    }
}
