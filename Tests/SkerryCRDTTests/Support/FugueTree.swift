import SkerryCRDT

/// FugueMax as the paper states it: a tree, walked in order; quadratic, with nothing in common with the tracker.
///
/// Weidner and Kleppmann, "The Art of the Fugue" (2023), algorithm 1 and section on FugueMax. The oracle of the text tests.
struct FugueTree {
    enum Operation {
        /// Side true for right. A nil parent is the root, a nil right origin the end.
        case insert(Unicode.Scalar, parent: Dot?, isRight: Bool, rightOrigin: Dot?)
        case delete(Dot)
    }

    private struct Node {
        var scalar: Unicode.Scalar
        var isDeleted = false
        var rightOrigin: Dot?
        var lefts: [Dot] = []
        var rights: [Dot] = []
    }

    private var nodes: [Dot: Node] = [:]
    private var rootRights: [Dot] = []

    /// All nodes in document order, deleted ones too.
    private var walk: [Dot] {
        var result: [Dot] = []
        func visit(_ dot: Dot) {
            let node = nodes[dot]!
            node.lefts.forEach(visit)
            result.append(dot)
            node.rights.forEach(visit)
        }
        rootRights.forEach(visit)
        return result
    }

    var order: [Dot] { walk }

    func isDeleted(_ dot: Dot) -> Bool { nodes[dot]!.isDeleted }

    func scalar(_ dot: Dot) -> Unicode.Scalar { nodes[dot]!.scalar }

    /// What the text says.
    var scalars: [Unicode.Scalar] { walk.compactMap { nodes[$0]!.isDeleted ? nil : nodes[$0]!.scalar } }

    /// The operation that inserts a scalar at a position of what this replica sees.
    func insertion(of scalar: Unicode.Scalar, at position: Int) -> Operation {
        let walk = walk
        let visible = walk.filter { !nodes[$0]!.isDeleted }
        let left = position == 0 ? nil : visible[position - 1]
        let next = left.map { walk.firstIndex(of: $0)! + 1 } ?? 0
        let right = next < walk.count ? walk[next] : nil
        let leftHasRights = left.map { !nodes[$0]!.rights.isEmpty } ?? !rootRights.isEmpty
        if !leftHasRights { return .insert(scalar, parent: left, isRight: true, rightOrigin: right) }
        return .insert(scalar, parent: right, isRight: false, rightOrigin: right)
    }

    func deletion(at position: Int) -> Operation { .delete(walk.filter { !nodes[$0]!.isDeleted }[position]) }

    mutating func apply(_ operation: Operation, as dot: Dot) {
        switch operation {
        case .delete(let target): nodes[target]!.isDeleted = true
        case .insert(let scalar, let parent, let isRight, let rightOrigin):
            nodes[dot] = Node(scalar: scalar, rightOrigin: rightOrigin)
            if !isRight {
                nodes[parent!]!.lefts.append(dot)
                nodes[parent!]!.lefts.sort()
                return
            }
            let order = Dictionary(uniqueKeysWithValues: walk.enumerated().map { ($0.element, $0.offset) })
            func place(_ dot: Dot) -> Int { nodes[dot]!.rightOrigin.map { order[$0]! } ?? Int.max }
            func sorted(_ siblings: [Dot]) -> [Dot] {
                siblings.sorted { place($0) != place($1) ? place($0) > place($1) : $0 < $1 }
            }
            if let parent { nodes[parent]!.rights = sorted(nodes[parent]!.rights + [dot]) } else { rootRights = sorted(rootRights + [dot]) }
        }
    }
}
