import SkerryCRDT
import SkerryGossip
@testable import SkerryReplication
import SkerryStorage
import Synchronization
import Testing

@Suite("Parts of replicas", .timeLimit(.minutes(1)))
struct ReplicaPartTests {
    @Test("U-13, T-06: the last writer wins, a removal is an update like others, and what is overwritten leaves the history")
    func model() async throws {
        let (a, b) = (try Node(), try Node())
        let heard = Heard<String>()
        let observation = a.model.observe { heard.add("\($0.key):\($0.previous ?? "-")>\($0.value ?? "-")") }
        let one = Heard<String?>()
        let onlyOne = a.model.observe("__proto__") { one.add($0.value) }
        try a.model.set("k", to: "1")
        try a.model.set("k", to: "2")
        try a.model.set("__proto__", to: "x")
        try a.model.remove("k")
        #expect(a.model["k"] == nil && a.model.keys == ["__proto__"] && a.model.count == 1)
        #expect(heard.all == ["k:->1", "k:1>2", "__proto__:->x", "k:2>-"] && one.all == ["x"])
        #expect(a.model.history(since: CausalContext()).count == 2)
        try b.model.set("j", to: "b")
        try a.replica.start(with: b.replica)
        // A removal that came while a peer was away arrives, and a later write wins over it.
        #expect(b.model["k"] == nil && b.model["__proto__"] == "x" && b.model.count == 2)
        try b.model.set("k", to: "3")
        #expect(a.model["k"] == "3" && a.model.count == 3)
        observation.cancel()
        onlyOne.cancel()
        try a.model.set("__proto__", to: "y")
        #expect(heard.all.count == 6 && one.all.count == 1)
        #expect(a.model.history(since: b.replica.digest).isEmpty)
        #expect(throws: FeedError.self) { try ReplicatedModel<String>().set("k", to: "v") }
    }

    @Test("U-13: observers may write, and hear what they wrote in its order")
    func reentrant() throws {
        let node = try Node()
        let heard = Heard<String>()
        let model = node.model
        let observation = model.observe { update in
            heard.add("\(update.key)=\(update.value ?? "-")")
            if update.key == "a" { try? model.set("b", to: update.value) }
        }
        try model.set("a", to: "1")
        try model.set("a", to: "2")
        #expect(heard.all == ["a=1", "b=1", "a=2", "b=2"])
        _ = observation
    }

    @Test("U-13: a stream of changes that nobody reads holds the sum of them, and nothing is lost")
    func coalesces() async throws {
        let node = try Node()
        var changes = node.model.changes.makeAsyncIterator()
        for index in 0..<500 { try node.model.set("k\(index % 3)", to: "\(index)") }
        let first = await changes.next()
        #expect(first?.keys == ["k0", "k1", "k2"])
        for index in 0..<3_000 { try node.model.set("l\(index)", to: "") }
        let sum = await changes.next()
        #expect(sum?.isEverything == true && sum?.keys.isEmpty == true)
        let waiting = Task { [node] in
            var iterator = node.model.changes.makeAsyncIterator()
            return await iterator.next()
        }
        waiting.cancel()
        #expect(await waiting.value == nil)
    }

    @Test("U-18: values are written as their type says, and bytes that are no value read as none on every replica")
    func serialisation() throws {
        let (numbers, texts) = (ReplicatedModel<Int>(), ReplicatedModel<String>())
        let (a, b) = (try Replica(["m": numbers]), try Replica(["m": texts]))
        try a.start(with: b)
        for value in [0, -1, Int.max, Int.min, 7] {
            try numbers.set("n", to: value)
            #expect(numbers["n"] == value)
        }
        #expect(texts["n"] == "\0\0\0\0\0\0\0\u{7}")
        try texts.set("n", to: "text")
        #expect(numbers["n"] == nil && texts["n"] == "text" && numbers.keys == ["n"])
        #expect(Bool.replicaValue(of: [2]) == nil && Bool.replicaValue(of: true.replicaBytes[...]) == true)
        #expect([UInt8].replicaValue(of: [1, 2]) == [1, 2])
    }

    @Test("U-14: every event is kept and replayed to latecomers in one order, each once, whatever order they came in")
    func events() async throws {
        let time = TestTime()
        let nodes = try (1...3).map { try Node(origin: $0, time: time) }
        for index in 0..<30 {
            try nodes[index % 3].events.append("e\(index)", topic: index % 2 == 0 ? "even" : "odd")
            if index % 4 == 0 { time.move(wall: 1) }
        }
        let live = Heard<String>()
        let observation = nodes[0].events.observe { live.add($0.event.value) }
        try nodes[0].replica.start(with: nodes[1].replica)
        try nodes[1].replica.start(with: nodes[2].replica)
        let orders = nodes.map { $0.events.events().map(\.value) }
        #expect(Set(orders).count == 1 && Set(orders[0]).count == 30 && live.all.count == 20)
        #expect(nodes[1].events.events(topic: "odd").count == 15)
        let late = Heard<String>()
        let replayed = nodes[2].events.replay { late.add($0.value) }
        #expect(late.all == orders[0])
        try nodes[0].events.append("last")
        #expect(late.all == orders[0] + ["last"])
        _ = (observation, replayed)
    }

    @Test("U-14: events that a rule needs no more go from the log of each replica, and do not come back from peers that still have them")
    func eventCompaction() async throws {
        let rule: ReplicatedEvents<String>.Compaction = { events in events.dropLast(5).map(\.dot) }
        let (left, right, late) = (
            ReplicatedEvents<String>(compaction: rule), ReplicatedEvents<String>(compaction: rule),
            ReplicatedEvents<String>(compaction: rule)
        )
        let (a, b, c) = (try Replica(["log": left]), try Replica(["log": right]), try Replica(["log": late]))
        let session = try a.start(with: b)
        for index in 0..<50 { try (index % 2 == 0 ? left : right).append("\(index)") }
        #expect(left.count == 50 && right.count == 50)
        #expect(left.compact() == 45)
        let alive = try await a.compact()
        #expect(alive == 5 && left.count == 5)
        session.close()
        try c.start(with: a)
        #expect(late.events().map(\.value) == left.events().map(\.value) && c.digest == b.digest)
        // The one that kept all gives nothing back.
        try b.start(with: c)
        try await a.start(with: b, ReplicaOptions(tail: false)).ended()
        try right.append("new")
        #expect(left.count == 6 && late.count == 6 && right.count == 51)
        for log in [left, right, late] { log.compact() }
        #expect(left.events().map(\.value) == right.events().map(\.value) && late.events().map(\.value) == right.events().map(\.value))
    }

    @Test("U-12: a value keeps the last of its writers, and as many before it as was said")
    func value() throws {
        let (a, b) = (try Node(), try Node())
        for index in 0..<10 { try a.value.set("a\(index)") }
        try a.replica.start(with: b.replica)
        let heard = Heard<String?>()
        let observation = a.value.observe(heard.add)
        try b.value.set("b")
        #expect(a.value.value == "b" && a.value.values == ["a8", "a9", "b"] && heard.all == ["b"])
        #expect(a.value.history(since: CausalContext()).count == 3)
        try a.value.set(nil)
        #expect(b.value.value == nil && b.value.values == ["a9", "b"])
        _ = observation
    }

    @Test(
        "U-15: of a model that expires the keys written last stay, none too old, the same on every replica in whatever order they came",
        arguments: 0..<5)
    func expiry(seed: UInt64) async throws {
        let time = TestTime()
        var random = SplitMix(seed: seed)
        let now: @Sendable () -> UInt64 = { time.now().wall }
        let parts = (0..<4).map { _ in ExpiringModel<String>(countMaximum: 10, age: .seconds(60), now: now) }
        let replicas = try parts.map { try Replica(["p": $0], configuration: ReplicaConfiguration(now: time.now)) }
        for index in 0..<200 {
            time.move(wall: Int64(random.next() % 400))
            try parts[Int(random.next() % 4)].set("k\(random.next() % 30)", to: random.next() % 8 == 0 ? nil : "\(index)")
            if random.next() % 10 == 0 {
                let other = Int(random.next() % 4)
                if other != 0 { try await replicas[0].start(with: replicas[other], ReplicaOptions(tail: false)).ended() }
            }
        }
        for left in 0..<4 {
            for right in 0..<4 where left != right {
                try await replicas[left].start(with: replicas[right], ReplicaOptions(tail: false)).ended()
            }
        }
        #expect(Set(parts.map(\.keys)).count == 1 && parts[0].keys.count <= 10 && !parts[0].keys.isEmpty)
        #expect(parts.allSatisfy { part in parts[0].keys.allSatisfy { part[$0] == parts[0][$0] } })
        #expect(parts[0].digest.dots.count <= 4 && parts[0].history(since: CausalContext()).count <= 10)
        time.move(wall: 61_000)
        #expect(parts[0].keys.isEmpty && parts[1].expire() > 0 && parts[1].digest.isEmpty)
        let alive = try await replicas[1].compact()
        #expect(alive == 0)
        let late = ExpiringModel<String>(countMaximum: 10, age: .seconds(60), now: now)
        let latecomer = try Replica(["p": late], configuration: ReplicaConfiguration(now: time.now))
        try latecomer.start(with: replicas[1])
        #expect(late.keys.isEmpty && latecomer.digest == replicas[1].digest)
        try parts[1].set("fresh", to: "1")
        #expect(late.keys == ["fresh"])
    }

    @Test("U-13: a view has the rows of what came while its part was not there, in that life or an earlier one", arguments: [true, false])
    func viewOfWhatCameBefore(isSameLife: Bool) async throws {
        var engine = MemoryMetadataEngine()
        func replica(_ parts: KeyValuePairs<String, any Replicated>) throws -> Replica {
            let identity = FeedIdentity(cluster: 0, site: 2, origin: OriginID(rawValue: 2), epoch: 1)
            return try Replica(
                parts, store: EngineReplicaStore(engine: engine, prefix: [7]), configuration: ReplicaConfiguration(identity: identity))
        }
        func part() -> (view: ReplicaView, model: ReplicatedModel<String>) {
            let view = ReplicaView("by-value") { key, bytes in [(key: Array(bytes), value: Array(key.utf8))] }
            return (view, ReplicatedModel(views: [view]))
        }
        let writer = try Node(origin: 1)
        try writer.model.set("a", to: "early")
        try writer.model.set("b", to: "early")
        let (view, model) = part()
        let first = try replica(["model": model])
        try await first.start(with: writer.replica, ReplicaOptions(tail: false)).ended()
        try await first.durable()
        #expect(try await view.rows(limit: 10).map(\.source) == ["a", "b"])
        engine = engine.crash()
        let second = try replica([:])
        try writer.model.set("a", to: "late")
        try writer.model.set("c", to: "early")
        try await second.start(with: writer.replica, ReplicaOptions(tail: false)).ended()
        try await second.durable()
        let (lateView, late) = part()
        if isSameLife {
            try second.add(late, named: "model")
            try await second.durable()
        } else {
            engine = engine.crash()
        }
        let third = isSameLife ? second : try replica(["model": late])
        try await third.durable()
        #expect(late.values == ["a": "late", "b": "early", "c": "early"])
        #expect(try await lateView.rows(limit: 10).map(\.source) == ["b", "c", "a"])
        // Once said, it is not built anew.
        #expect(!third.isStale(try #require(PartName.prefix("model"))))
    }

    @Test("U-13: a view has the rows of what comes while its part is being added, behind its look at the store")
    func viewOfWhatComesMeanwhile() async throws {
        let writer = try Node(origin: 1)
        try writer.model.set("a", to: "early")
        let view = ReplicaView("by-value") { key, bytes in [(key: Array(bytes), value: Array(key.utf8))] }
        let replica = try Replica()
        try replica.start(with: writer.replica)
        let part = Interrupted(ReplicatedModel(views: [view])) { try? writer.model.set("b", to: "late") }
        try replica.add(part, named: "model")
        try await replica.durable()
        #expect(part.model.values == ["a": "early", "b": "late"])
        #expect(try await view.rows(limit: 10).map(\.source) == ["a", "b"])
        #expect(!replica.isStale(try #require(PartName.prefix("model"))))
        // One that is whole in the store, and is replayed alone.
        var engine = MemoryMetadataEngine()
        let identity = FeedIdentity(cluster: 0, site: 2, origin: OriginID(rawValue: 2), epoch: 1)
        for text in ["first", "second"] {
            let again = try Replica(
                store: try EngineReplicaStore(engine: engine, prefix: [7]), configuration: ReplicaConfiguration(identity: identity))
            let view = ReplicaView("by-value") { key, bytes in [(key: Array(bytes), value: Array(key.utf8))] }
            if text == "first" { try again.start(with: writer.replica) }
            let part = Interrupted(ReplicatedModel(views: [view])) {
                if text == "second" { _ = try? again.start(with: writer.replica) }
            }
            try again.add(part, named: "model")
            try await again.durable()
            #expect(part.model.values == writer.model.values)
            #expect(try await view.rows(limit: 10).count == writer.model.values.count, "\(text)")
            await again.dispose()
            engine = engine.crash()
            try writer.model.set("c", to: text)
        }
    }

    /// A model during whose addition something happens.
    private final class Interrupted: Replicated {
        let model: ReplicatedModel<String>
        private let meanwhile: @Sendable () -> Void

        init(_ model: ReplicatedModel<String>, _ meanwhile: @escaping @Sendable () -> Void) {
            self.model = model
            self.meanwhile = meanwhile
        }

        var digest: CausalContext { model.digest }
        func apply(_ entry: ReplicaEntry) -> Bool { model.apply(entry) }
        func history(since digest: CausalContext) -> [ReplicaEntry] { model.history(since: digest) }
        func caughtUp() { model.caughtUp() }
        func takeRows() -> [ReplicaRow] { model.takeRows() }
        func tell() { model.tell() }
        func attached(_ handle: ReplicaPart) {
            model.attached(handle)
            meanwhile()
        }
    }

    /// A type of one's own: the largest number of all.
    private final class Maximum: Replicated {
        private let state = Mutex((best: ReplicaEntry?.none, digest: CausalContext(), part: ReplicaPart?.none))

        var value: UInt64 { state.withLock { $0.best }.flatMap { UInt64.replicaValue(of: $0.value) } ?? 0 }

        func propose(_ number: UInt64) throws(FeedError) {
            guard let part = state.withLock({ $0.part }) else { throw FeedError(.overloaded, "no replica") }
            try part.publish(key: [], value: number.replicaBytes)
        }

        func attached(_ handle: ReplicaPart) { state.withLock { $0.part = handle } }

        func apply(_ entry: ReplicaEntry) -> Bool {
            state.withLock { state in
                state.digest.insert(entry.dot)
                guard let number = UInt64.replicaValue(of: entry.value) else { return false }
                let best = state.best.flatMap { UInt64.replicaValue(of: $0.value) } ?? 0
                guard number > best else { return false }
                state.best = entry
                return true
            }
        }

        func history(since digest: CausalContext) -> [ReplicaEntry] {
            state.withLock { $0.best }.map { digest.covers($0.dot) ? [] : [$0] } ?? []
        }

        var digest: CausalContext { state.withLock { $0.digest } }
    }

    @Test("U-01, P-01: a type of one's own is replicated by three functions, behind a trimmed log too")
    func own() async throws {
        let parts = (0..<3).map { _ in Maximum() }
        let replicas = try parts.map { try Replica(["max": $0]) }
        try replicas[0].start(with: replicas[1])
        for number in [3, 9, 4] as [UInt64] { try parts[Int(number % 2)].propose(number) }
        #expect(parts[0].value == 9 && parts[1].value == 9)
        let alive = try await replicas[0].compact()
        #expect(alive == 1)
        try replicas[2].start(with: replicas[0])
        #expect(parts[2].value == 9 && replicas[2].statistics.repairs == 1)
    }
}

@Suite("Reducers")
struct ReducerTests {
    /// Sums: commutative, not idempotent.
    private struct Sum: Reducer {
        var initial: Int { 0 }
        func reduce(_ state: inout Int, _ update: Int) -> Int? {
            state += update
            return update == 0 ? nil : update
        }
    }

    /// The last one: idempotent, not commutative.
    private struct Last: Reducer {
        var initial: Int { 0 }
        func reduce(_ state: inout Int, _ update: Int) -> Int? {
            defer { state = update }
            return state == update ? nil : update
        }
    }

    /// Says that nothing changed.
    private struct Silent: Reducer {
        var initial: Set<Int> { [] }
        func reduce(_ state: inout Set<Int>, _ update: Int) -> Int? {
            state.insert(update)
            return nil
        }
    }

    /// Wrong only behind two others.
    private struct Deep: Reducer {
        var initial: Set<Int> { [] }
        func reduce(_ state: inout Set<Int>, _ update: Int) -> Int? {
            if state.count == 2, update == 3 { state = [3] }
            return state.insert(update).inserted ? update : nil
        }
    }

    @Test("P-01, T-05: the checker of laws passes what only grows, and gives the smallest case in which another does not converge")
    func laws() {
        #expect(ReducerLaws.check(Union(), updates: [[], [1], [2], [1, 2]]) == nil)
        guard case .notIdempotent(let before, 1)? = ReducerLaws.check(Sum(), updates: [1, 2]) else { return #expect(Bool(false)) }
        #expect(before.isEmpty)
        guard case .notCommutative([], 1, 2)? = ReducerLaws.check(Last(), updates: [1, 2]) else { return #expect(Bool(false)) }
        guard case .wrongChange? = ReducerLaws.check(Silent(), updates: [1]) else { return #expect(Bool(false)) }
        #expect(ReducerLaws.check(Deep(), updates: [1, 2], depth: 1) == nil)
        guard let found = ReducerLaws.check(Deep(), updates: [1, 2, 3]) else { return #expect(Bool(false)) }
        if case .wrongSummary = found { #expect(Bool(false)) }
    }

    @Test(
        "T-05: a monotone design needs nobody's leave: every order of the same updates leads through growing states to the same one",
        arguments: 0..<10)
    func monotone(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let updates: [Numbers] = (0..<20).map { _ in Numbers(all: (0..<3).map { _ in random.next() % 40 }) }
        var ends: Set<Set<UInt64>> = []
        for _ in 0..<5 {
            var state = Union().initial
            for update in updates.shuffled(using: &random) {
                let before = state
                _ = Union().reduce(&state, update)
                #expect(state.isSuperset(of: before))
            }
            ends.insert(state)
        }
        #expect(ends.count == 1)
    }

    @Test("P-01, P-02, P-03: a ring of five ends with the union, the same update twice is one event, and no event comes back")
    func ring() throws {
        let nodes = try (0..<5).map { _ in try Node() }
        for index in 0..<5 { try nodes[index].replica.start(with: nodes[(index + 1) % 5].replica) }
        let heard = Heard<Set<UInt64>>()
        let observation = nodes[2].union.observe { heard.add($0.state) }
        for index in 0..<5 { try nodes[index].union.update(Numbers(all: [UInt64(index), 7])) }
        #expect(nodes.allSatisfy { $0.union.current == [0, 1, 2, 3, 4, 7] } && heard.all.count == 5)
        #expect(try !nodes[1].union.update([7, 3]))
        #expect(heard.all.count == 5)
        _ = observation
    }

    @Test("P-05: peers get by digest what they lack, not the state; a summary takes the place of a history")
    func digests() async throws {
        let (a, b) = (try Node(), try Node())
        for number in 0..<100 as Range<UInt64> { try a.union.update([number]) }
        try await a.replica.start(with: b.replica, ReplicaOptions(tail: false)).ended()
        let before = a.replica.statistics.feeds.payloadSent
        try a.union.update([100])
        try await a.replica.start(with: b.replica, ReplicaOptions(tail: false)).ended()
        #expect(b.union.current.count == 101 && a.replica.statistics.feeds.payloadSent - before < 30)
        #expect(try a.union.compact() && a.union.historyCount == 1)
        let alive = try await a.replica.compact()
        #expect(alive == 1)
        let late = try Node()
        try late.replica.start(with: a.replica)
        try b.replica.start(with: late.replica)
        #expect(late.union.current == a.union.current && b.union.historyCount == 1)
        try late.union.update([200])
        #expect(b.union.current.contains(200) && a.union.current.contains(200))
    }

    @Test("T-06: what is taken away is the difference of two sets that only grow")
    func difference() throws {
        let (added, removed) = (ReplicatedReduce(Union()), ReplicatedReduce(Union()))
        let (others, othersRemoved) = (ReplicatedReduce(Union()), ReplicatedReduce(Union()))
        let (a, b) = (try Replica(["added": added, "removed": removed]), try Replica(["added": others, "removed": othersRemoved]))
        try added.update([1, 2, 3])
        try othersRemoved.update([2])
        try others.update([2, 4])
        try a.start(with: b)
        #expect(added.current.subtracting(removed.current) == [1, 3, 4])
        #expect(others.current.subtracting(othersRemoved.current) == [1, 3, 4])
    }

    @Test(
        "T-04: of two writes one is before the other when its writer had it, and concurrent when neither had; stamps agree",
        arguments: 0..<5)
    func causality(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let nodes = try (0..<3).map { _ in try Node() }
        var moments: [(moment: CausalMoment, stamp: HybridTimestamp, past: Set<Int>)] = []
        // Beside the contexts a plain set of all that each node has heard of.
        var known: [Set<Int>] = [[], [], []]
        for _ in 0..<40 {
            let place = Int(random.next() % 3)
            if random.next() % 3 == 0 {
                let other = (place + 1) % 3
                try await nodes[place].replica.start(with: nodes[other].replica, ReplicaOptions(tail: false)).ended()
                known[place].formUnion(known[other])
                known[other] = known[place]
            } else {
                let past = nodes[place].replica.digest
                let dot = try nodes[place].events.append("e")
                let stamp = try #require(nodes[place].events.events().first { $0.dot == dot }).stamp
                moments.append((CausalMoment(dot: dot, past: past), stamp, known[place]))
                known[place].insert(moments.count - 1)
            }
        }
        for (left, a) in moments.enumerated() {
            for (right, b) in moments.enumerated() where left != right {
                #expect(a.moment.isBefore(b.moment) == b.past.contains(left))
                #expect(a.moment.isConcurrent(with: b.moment) == (!b.past.contains(left) && !a.past.contains(right)))
                if a.moment.isBefore(b.moment) { #expect(a.stamp < b.stamp) }
            }
        }
    }

    @Test("T-01, T-02: a change from a user, from a peer and from a disk is one shape, and everything works alone and catches up later")
    func oneShape() async throws {
        let time = TestTime()
        let (a, b) = (try Node(time: time), try Node(time: time))
        let seen = Heard<String>()
        let observation = b.model.observe { seen.add("\($0.key)=\($0.value ?? "-")") }
        // The user's, offline.
        try b.model.set("k", to: "user")
        // The peer's.
        time.move(wall: 1)
        try a.model.set("k", to: "peer")
        try await a.replica.start(with: b.replica, ReplicaOptions(tail: false)).ended()
        // The disk's.
        try a.model.set("k", to: "disk")
        let file = RecordedStream()
        try await a.replica.replicate(over: file, .dump)
        try await b.replica.replicate(over: RecordedStream(file.written), .readOnly)
        #expect(seen.all == ["k=user", "k=peer", "k=disk"])
        _ = observation
    }
}
