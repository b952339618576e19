/// A scan-resistant cache: new keys pass through a FIFO before they may displace proven ones.
///
/// Implements full 2Q (Johnson and Shasha, VLDB 1994), with its names: `a1In` holds entries seen once, `a1Out` remembers the keys that
/// fell out of it, `am` holds entries seen again, in order of use. A key is proven when it is asked for while `a1Out` remembers it; hits in
/// `a1In` prove nothing, since the uses of one operation come close together.
///
/// Differs from the paper in charging entries by bytes, not by page: `a1In` is preferred for eviction while it holds more than a quarter of
/// the capacity, and `a1Out` remembers keys that once were charged at most half of it.
///
/// A value type without a lock; ``CoalescingCache`` shares it between threads.
///
/// - Invariant: the charges in `a1In` and `am` sum to at most ``capacity`` bytes.
/// - Invariant: `a1Out` holds at most ``ghostMaximum`` keys, whose former charges sum to at most half of ``capacity``.
/// - Complexity: lookup and insertion take O(1) expected time; eviction is amortised O(1).
public struct TwoQueueCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Most keys remembered without a value, unless the initialiser is told otherwise: 65,536.
    public static var ghostMaximumDefault: Int { 1 << 16 }

    /// Bytes that the charges of entries may sum to.
    public let capacity: Int
    /// Most keys remembered without a value.
    public let ghostMaximum: Int

    /// Where each known key has its node.
    private var indices: [Key: Int] = [:]
    private var nodes = NodeLists<Node>()
    /// Seen once; first in, first out.
    private var a1In = Queue()
    /// Fell out of `a1In`: keys alone, first in, first out.
    private var a1Out = Queue()
    /// Seen again; the least recently used goes first.
    private var am = Queue()

    /// - Parameters:
    ///   - capacity: bytes, by the measure of the charges.
    ///   - ghostMaximum: most keys remembered without a value, so that small charges cannot make `a1Out` large.
    public init(capacity: Int, ghostMaximum: Int = ghostMaximumDefault) {
        precondition(capacity >= 0 && ghostMaximum >= 0, "a cache of \(capacity) bytes and \(ghostMaximum) ghosts")
        self.capacity = capacity
        self.ghostMaximum = ghostMaximum
    }

    /// Entries with a value.
    public var count: Int { a1In.list.count + am.list.count }
    /// Bytes the entries are charged.
    public var charge: Int { a1In.charge + am.charge }
    /// Keys remembered without a value.
    public var ghostCount: Int { a1Out.list.count }

    private var a1InTarget: Int { capacity / 4 }
    private var a1OutTarget: Int { capacity / 2 }
}

// MARK: - Lookup and insertion

extension TwoQueueCache {
    /// The value of `key`, which counts as a use.
    public mutating func value(for key: Key) -> Value? {
        guard let index = indices[key] else { return nil }
        if nodes[index].queue == .am { nodes.moveToFront(index, of: &am.list) }
        return nodes[index].value
    }

    /// The value of `key`, which does not count as a use.
    public func peek(_ key: Key) -> Value? {
        indices[key].flatMap { nodes[$0].value }
    }

    /// Sets the value of `key`, and evicts what must go for it. A value in place of another stays in its queue, as the newest.
    ///
    /// - Parameter charge: bytes this entry takes, at least 1; a smaller one counts as 1.
    /// - Returns: whether the value was kept: one charged more than the whole capacity is not, and what stood there is gone.
    @discardableResult
    public mutating func insert(_ value: Value, for key: Key, charge: Int) -> Bool {
        let charge = max(1, charge)
        let target = takeOut(key)
        guard charge <= capacity else { return false }
        makeRoom(for: charge)
        append(Node(key: key, value: value, charge: charge, queue: target), to: target)
        return true
    }

    /// Drops the value of `key`, because it is no longer true. A proven key stays known, so that its next value is proven at once.
    @discardableResult
    public mutating func invalidate(_ key: Key) -> Value? {
        guard let index = indices[key] else { return nil }
        let node = nodes[index]
        switch node.queue {
        case .a1In: drop(index)
        case .a1Out: break
        case .am: becomeGhost(index)
        }
        return node.value
    }

    /// Drops everything, ghosts too.
    public mutating func removeAll() {
        self = TwoQueueCache(capacity: capacity, ghostMaximum: ghostMaximum)
    }

    /// Takes the key out of its queue; returns the queue its next value belongs to.
    private mutating func takeOut(_ key: Key) -> QueueName {
        guard let index = indices[key] else { return .a1In }
        let queue = nodes[index].queue
        drop(index)
        return queue == .a1In ? .a1In : .am
    }

    /// The paper's `reclaimfor`.
    private mutating func makeRoom(for charge: Int) {
        while self.charge > capacity - charge {
            if a1In.charge > a1InTarget || am.list.isEmpty, let oldest = a1In.list.last {
                becomeGhost(oldest)
            } else if let leastRecent = am.list.last {
                drop(leastRecent)
            }
        }
    }
}

// MARK: - Queues

extension TwoQueueCache {
    private enum QueueName: Sendable {
        case a1In, a1Out, am
    }

    private struct Node: Sendable {
        let key: Key
        /// `nil` in `a1Out`.
        var value: Value?
        let charge: Int
        var queue: QueueName
    }

    private struct Queue: Sendable {
        var list = NodeLists<Node>.List()
        /// Bytes its nodes are charged.
        var charge = 0
    }

    private mutating func withQueue<Result>(_ name: QueueName, _ body: (inout Queue, inout NodeLists<Node>) -> Result) -> Result {
        switch name {
        case .a1In: body(&a1In, &nodes)
        case .a1Out: body(&a1Out, &nodes)
        case .am: body(&am, &nodes)
        }
    }

    private mutating func append(_ node: Node, to name: QueueName) {
        let index = withQueue(name) { queue, nodes in
            queue.charge += node.charge
            return nodes.prepend(node, to: &queue.list)
        }
        indices[node.key] = index
    }

    /// Forgets the node altogether.
    private mutating func drop(_ index: Int) {
        indices[unlink(index).key] = nil
    }

    private mutating func unlink(_ index: Int) -> Node {
        withQueue(nodes[index].queue) { queue, nodes in
            queue.charge -= nodes[index].charge
            return nodes.remove(index, from: &queue.list)
        }
    }

    /// Keeps the key alone, and forgets the oldest ghosts above the bounds.
    private mutating func becomeGhost(_ index: Int) {
        var node = unlink(index)
        node.value = nil
        node.queue = .a1Out
        append(node, to: .a1Out)
        while a1Out.charge > a1OutTarget || a1Out.list.count > ghostMaximum, let oldest = a1Out.list.last {
            drop(oldest)
        }
    }
}

// MARK: - Invariants

extension TwoQueueCache {
    /// Walks the whole structure and traps where an invariant does not hold.
    package func checkInvariants() {
        precondition(charge <= capacity, "charged \(charge) of \(capacity) bytes")
        precondition(a1Out.list.count <= ghostMaximum && a1Out.charge <= a1OutTarget, "\(a1Out.list.count) ghosts of \(a1Out.charge) bytes")
        precondition(indices.count == count + ghostCount, "\(indices.count) keys, \(count) entries, \(ghostCount) ghosts")
        check(a1In, named: .a1In)
        check(a1Out, named: .a1Out)
        check(am, named: .am)
    }

    private func check(_ queue: Queue, named name: QueueName) {
        let members = nodes.indices(of: queue.list)
        precondition(members.count == queue.list.count, "\(name) counts \(queue.list.count) of \(members.count)")
        precondition(members.reduce(0) { $0 + nodes[$1].charge } == queue.charge, "\(name) is charged \(queue.charge)")
        for index in members {
            let node = nodes[index]
            precondition(node.queue == name && indices[node.key] == index, "a node of \(name) is out of place")
            precondition((node.value == nil) == (name == .a1Out), "a node of \(name) has the wrong value")
        }
    }
}

extension TwoQueueCache: CustomStringConvertible {
    public var description: String {
        "TwoQueueCache(a1In: \(a1In.list.count), a1Out: \(a1Out.list.count), am: \(am.list.count), charge: \(charge) of \(capacity))"
    }
}
