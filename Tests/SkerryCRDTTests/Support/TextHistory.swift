@testable import SkerryCRDT
@testable import document_checks

/// A history of one text, made by oracles that sometimes hear of each other.
struct TextHistory {
    struct Event {
        var dot: Dot
        /// What it had seen, besides its origin's own event before.
        var parents: [Dot]
        var kind: ChangeBatch.Operation.Kind
        var position: Int
        var scalar: Unicode.Scalar?
        var operation: FugueTree.Operation
    }

    private(set) var events: [Event] = []
    /// By event: the events before it, by index.
    private(set) var pasts: [Set<Int>] = []

    /// Origins with bits in another order than their numbers.
    static func origin(_ replica: Int) -> OriginID { OriginID(rawValue: [50, 10, 40, 20, 30, 60][replica]) }

    mutating func append(_ event: Event, past: Set<Int>) {
        events.append(event)
        pasts.append(past)
    }

    /// The events of a set that no other of it has seen.
    func heads(of set: Set<Int>) -> [Int] {
        set.filter { candidate in !set.contains { pasts[$0].contains(candidate) } }.sorted()
    }

    /// What a text says that has seen a set of events.
    func oracle(of set: Set<Int>) -> FugueTree {
        var tree = FugueTree()
        for index in set.sorted() { tree.apply(events[index].operation, as: events[index].dot) }
        return tree
    }

    // MARK: - Drawing

    /// - Parameter mode: how people work: 0 anyhow, 1 typing runs, 2 typing backwards, 3 long branches.
    static func random(seed: Int, replicas: Int, count: Int, mode: Int) -> TextHistory {
        var random = CheckRandom(seed: seed)
        var history = TextHistory()
        var seen = Array(repeating: Set<Int>(), count: replicas)
        var trees = Array(repeating: FugueTree(), count: replicas)
        var carets = Array(repeating: 0, count: replicas)
        let syncs = [30, 20, 20, 3][mode]
        while history.events.count < count {
            let replica = random.below(replicas)
            if random.chance(syncs) {
                let other = random.below(replicas)
                // Sometimes only a part of what the other has, as a slow link brings it.
                let limit = random.chance(30) ? random.below(history.events.count + 1) : history.events.count
                for index in seen[other].sorted() where index < limit && !seen[replica].contains(index) {
                    if !history.pasts[index].isSubset(of: seen[replica]) { continue }
                    seen[replica].insert(index)
                    trees[replica].apply(history.events[index].operation, as: history.events[index].dot)
                }
                continue
            }
            let length = trees[replica].scalars.count
            if mode == 0 || random.chance(15) { carets[replica] = random.below(length + 1) }
            carets[replica] = min(carets[replica], length)
            let isDeletion = length > 0 && random.chance(mode == 2 ? 15 : 35)
            let run = mode == 0 ? 1 : 1 + random.below(4)
            for _ in 0..<run {
                history.step(
                    replica: replica, delete: isDeletion, caret: &carets[replica], seen: &seen[replica], tree: &trees[replica], mode: mode,
                    random: &random)
            }
        }
        return history
    }

    private mutating func step(
        replica: Int, delete: Bool, caret: inout Int, seen: inout Set<Int>, tree: inout FugueTree, mode: Int, random: inout CheckRandom
    ) {
        let length = tree.scalars.count
        if delete, length == 0 { return }
        let origin = TextHistory.origin(replica)
        let own = events.indices.filter { events[$0].dot.origin == origin }
        let dot = Dot(origin: origin, sequence: UInt64(own.count + 1))
        let parents = heads(of: seen).map { events[$0].dot }.filter { $0.origin != origin }
        var event = Event(dot: dot, parents: parents, kind: .insertion, position: 0, scalar: nil, operation: .delete(dot))
        if delete {
            let backwards = random.chance(50)
            event.position = backwards ? max(0, caret - 1) : min(caret, length - 1)
            event.kind = .deletion
            event.operation = tree.deletion(at: event.position)
            caret = event.position
        } else {
            event.position = min(caret, length)
            event.scalar = TextHistory.alphabet[random.below(TextHistory.alphabet.count)]
            event.operation = tree.insertion(of: event.scalar!, at: event.position)
            if mode != 2 { caret = event.position + 1 }
        }
        tree.apply(event.operation, as: dot)
        append(event, past: seen)
        seen.insert(events.count - 1)
    }

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyzé€😀\n".unicodeScalars)

    // MARK: - Delivering

    /// An order in which each event comes after its past.
    func order(_ random: inout CheckRandom) -> [Int] {
        var rest = Set(events.indices), done = Set<Int>(), result: [Int] = []
        let isLazy = random.chance(50)
        var last = -1
        while !rest.isEmpty {
            var ready = rest.filter { pasts[$0].isSubset(of: done) }.sorted()
            // Lazily: stay with one origin while that is possible.
            if isLazy, last >= 0 {
                let same = ready.filter { events[$0].dot.origin == events[last].dot.origin }
                if !same.isEmpty { ready = same }
            }
            last = ready[random.below(ready.count)]
            rest.remove(last)
            done.insert(last)
            result.append(last)
        }
        return result
    }

    /// Events as a batch, in the order given.
    func batch(of indices: [Int]) -> ChangeBatch {
        var batch = ChangeBatch()
        batch.containers = [ChangeBatch.Container(parent: ContainerTable.root, key: "t", kind: .text, depth: 1)]
        batch.origins = (0..<6).map(TextHistory.origin)
        func number(_ origin: OriginID) -> UInt32 { UInt32((0..<6).firstIndex { TextHistory.origin($0) == origin }!) }
        for index in indices {
            let event = events[index]
            let first = batch.parents.count
            for parent in event.parents {
                batch.parents.append(ChangeBatch.Parent(origin: number(parent.origin), sequence: UInt32(parent.sequence - 1)))
            }
            batch.runs.append(
                ChangeBatch.Run(
                    origin: number(event.dot.origin), sequence: UInt32(event.dot.sequence - 1), count: 1, parents: UInt32(first),
                    parentCount: UInt32(event.parents.count), operations: UInt32(batch.operations.count), operationCount: 1))
            let bytes = event.scalar.map { Array(String($0).utf8) } ?? []
            batch.operations.append(
                ChangeBatch.Operation(
                    container: 0, kind: event.kind, count: 1, position: UInt32(event.position), content: UInt32(batch.bytes.count),
                    contentCount: UInt32(bytes.count)))
            for byte in bytes { batch.bytes.append(byte) }
        }
        return batch
    }
}

extension String {
    init(_ scalars: [Unicode.Scalar]) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }
}
