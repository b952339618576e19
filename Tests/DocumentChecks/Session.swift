import SkerryCRDT

/// Replicas that work and sometimes hear of each other: real documents and, beside each, the model that it must agree with.
final class Session {
    /// A commit: what the model knows of it, and the bytes of its events alone.
    struct Commit {
        var replica: Int
        /// How many commits of each replica it had seen.
        var seen: [Int]
        var bytes: [UInt8]
    }

    private struct Abandoned: Error {}

    let seed: Int
    private let isMarking: Bool
    private var random: CheckRandom
    let clock = CheckClock()
    let documents: [Document]
    private(set) var models: [ModelReplica]
    private let mirrors: [Mirror]
    /// Of the first replica, told of several changes at once.
    private let late: Mirror
    private(set) var commits: [Commit] = []
    private let keepsCommits: Bool

    private var operations: [[ModelOperation]]
    /// By replica: how many commits of each are here.
    private var commitsSeen: [[Int]]
    /// Units given out, by text and list.
    private var textUnits = [0, 0], listUnits = [0, 0]
    /// Events that a replica's document has numbered.
    private var events: [UInt64]
    /// By text and unit: the event that made it.
    private var dots: [[Dot]] = [[], []]
    private var anchors: [(replica: Int, text: Int, anchor: TextAnchor, unit: Int?)] = []

    private final class Decoder {
        var decoder = UpdateDecoder()
    }

    /// What the first document said at some version.
    private var look: Past?

    /// By link.
    private var encoders: [UpdateEncoder]
    private let decoders: [Decoder]

    /// Origins with bits in another order than their numbers.
    static let origins: [UInt64] = [50, 10, 40, 20, 30]

    /// - Parameter isMarking: whether texts get marks, which makes every look at them longer.
    init(seed: Int, replicas: Int, keepsCommits: Bool, isMarking: Bool) {
        self.seed = seed
        self.isMarking = isMarking
        self.keepsCommits = keepsCommits
        random = CheckRandom(seed: seed)
        let clock = clock
        documents = (0..<replicas).map { Document(origin: OriginID(rawValue: Session.origins[$0]), now: { clock.now }) }
        models = (0..<replicas).map { ModelReplica(replica: $0, origins: Array(Session.origins[..<replicas])) }
        mirrors = documents.map { Mirror($0) }
        late = Mirror(documents[0], isLate: true)
        operations = Array(repeating: [], count: replicas)
        commitsSeen = Array(repeating: Array(repeating: 0, count: replicas), count: replicas)
        events = Array(repeating: 0, count: replicas)
        encoders = Array(repeating: UpdateEncoder(), count: replicas * replicas)
        decoders = (0..<replicas * replicas).map { _ in Decoder() }
    }

    /// Works until every replica has made so many changes, then lets everybody hear of everything.
    func run(changes: Int) throws {
        let mode = random.below(4)
        var left = Array(repeating: changes, count: documents.count)
        while left.contains(where: { $0 > 0 }) {
            if random.chance(30) { clock.advance(UInt64(random.below(3))) }
            if seed % 3 == 0, look == nil ? left[0] < changes / 2 : random.below(changes) == 0 { look = Past(documents[0]) }
            let who = random.below(documents.count)
            // Anyhow, often, hardly ever, in long turns.
            if random.chance([20, 40, 2, 8][mode]) { try meet(who) }
            for _ in 0..<(mode == 3 ? 1 + random.below(20) : 1) where left[who] > 0 {
                left[who] -= 1
                try change(who)
            }
        }
        for _ in 0..<2 {
            for to in documents.indices { for from in documents.indices where from != to { try merge(into: to, from: from) } }
        }
        try late.check()
        let expected = Plain(documents[0])
        for who in documents.indices {
            try agree(who)
            try require(Plain(documents[who]) == expected, "seed \(seed): replicas 0 and \(who) differ")
            try require(documents[who].version == documents[0].version, "seed \(seed): versions differ")
        }
        try checkSnapshot(expected)
        if let look {
            let past = try Past(documents[0].at(look.version))
            try require(past == look, "seed \(seed): the past says \(past), it was \(look)")
        }
    }

    /// A document opened from a snapshot says the same, and is written the same.
    private func checkSnapshot(_ expected: Plain) throws {
        let bytes = documents[0].snapshot()
        let opened = try Document(origin: OriginID(rawValue: 5), snapshot: bytes, now: { 9_000_000 })
        try require(Plain(opened) == expected, "seed \(seed): a snapshot says something else")
        try require(opened.snapshot() == bytes, "seed \(seed): a snapshot is written otherwise when it was read")
    }

    /// Whether a document says what its model says.
    private func agree(_ who: Int) throws {
        let expected = Plain(&models[who]), actual = Plain(documents[who])
        try require(expected == actual, "seed \(seed): replica \(who) says \(actual), the model \(expected)")
        try checkAnchors(who)
    }

    // MARK: - Meeting

    private func meet(_ who: Int) throws {
        let other = (who + 1 + random.below(documents.count - 1)) % documents.count
        try merge(into: who, from: other)
        if random.chance(5) { try agree(who) }
    }

    private func merge(into who: Int, from other: Int) throws {
        let result = random.chance(80) ? try follow(who, other) : try read(who, other)
        try require(result.missing == nil && result.refused.isEmpty, "seed \(seed): \(result)")
        // In the order of the whole session every operation comes after what it had seen.
        var news: [ModelOperation] = []
        for replica in documents.indices {
            news += operations[replica][models[who].seen[replica]..<max(models[who].seen[replica], models[other].seen[replica])]
        }
        for operation in news.sorted(by: { $0.order < $1.order }) { models[who].apply(operation) }
        for replica in documents.indices { commitsSeen[who][replica] = max(commitsSeen[who][replica], commitsSeen[other][replica]) }
        try mirrors[who].check()
        if random.chance(5) { try late.check() }
    }

    /// Over the connection from one to the other, which has known all that went over it.
    private func follow(_ who: Int, _ other: Int) throws -> ImportResult {
        let link = other * documents.count + who
        encoders[link].peerHas(documents[who].version)
        guard let frame = try encoders[link].encode(documents[other]) else { return ImportResult() }
        return try decoders[link].decoder.apply(frame, to: documents[who])
    }

    /// As a chunk, now and then with everything once more.
    private func read(_ who: Int, _ other: Int) throws -> ImportResult {
        let bytes = try documents[other].history(since: random.below(50) > 0 ? documents[who].version : CausalContext())
        return try documents[who].merge(bytes)
    }

    // MARK: - Changing

    private func change(_ who: Int) throws {
        let before = keepsCommits ? documents[who].version : CausalContext()
        let seen = commitsSeen[who]
        if random.chance(1) {
            // Taken back, as if it had never been.
            let plain = Plain(documents[who])
            var random = random
            try? documents[who].change { change throws(Abandoned) in
                change.text("t").insert("gone", at: 0)
                change.map("m").map("n")["gone"] = .int(Int64(random.below(10)))
                if change.list("l").count > 1 { change.list("l").move(from: 0, to: 1) }
                change.counter("c") += 1
                change.set("s").insert("gone")
                if isMarking { change.text("t").mark(0..<2, in: .scalars, "b") }
                throw Abandoned()
            }
            try require(Plain(documents[who]) == plain, "seed \(seed): a change that threw left something behind")
        }
        var failure: (any Error)?
        documents[who].change { change in
            for _ in 0..<(random.chance(10) ? 3 : 1) {
                do { try step(who, change) } catch { failure = failure ?? error }
            }
        }
        if let failure { throw failure }
        if keepsCommits {
            let bytes = try documents[who].history(since: before)
            // Removing what is not there is no event.
            if !bytes.isEmpty {
                commits.append(Commit(replica: who, seen: seen, bytes: bytes))
                commitsSeen[who][who] += 1
            }
        }
        try mirrors[who].check()
    }

    private func step(_ who: Int, _ change: Change) throws {
        let place = random.chance(30) ? 1 : 0
        switch random.below(16) {
        case 0..<6:
            let text = place == 1 ? nested(who, change).text("t") : change.text("t")
            if place == 1 { ensure(who, 1, "t", .text) }
            try stepText(who, place, text)
        case 6..<11:
            let list = place == 1 ? nested(who, change).list("l") : change.list("l")
            if place == 1 { ensure(who, 1, "l", .list) }
            try stepList(who, place, list)
        case 11, 12:
            let key = random.pick(["a", "b", "n"])
            let value = random.chance(25) ? nil : DocumentValue.int(Int64(random.below(1000)))
            let map = place == 1 ? nested(who, change) : change.map("m")
            map[key] = value
            write(who, place, key, value)
        case 13:
            let register = place == 1 ? nested(who, change).register(of: "r") : change.register("r")
            if place == 1 { ensure(who, 1, "r", .register) }
            let value = DocumentValue.string("v\(random.below(100))")
            register.value = value
            write(who, 2 + place, "", value)
        case 14:
            let set = place == 1 ? nested(who, change).set("s") : change.set("s")
            if place == 1 { ensure(who, 1, "s", .set) }
            stepSet(who, place, set)
        default:
            let counter = place == 1 ? nested(who, change).counter("c") : change.counter("c")
            if place == 1 { ensure(who, 1, "c", .counter) }
            let amount = random.chance(5) ? Int64.max : Int64(random.below(9)) - 4
            counter += amount
            if amount != 0 { perform(who, .add(place, amount)) }
        }
    }

    private func nested(_ who: Int, _ change: Change) -> MapEditor {
        let map = change.map("m").map("n")
        ensure(who, 0, "n", .map)
        return map
    }

    /// Naming a child writes it into its map, unless it is there.
    private func ensure(_ who: Int, _ map: Int, _ key: String, _ kind: ContainerKind) {
        if models[who].winner(map, key) != .container(kind) { write(who, map, key, .container(kind)) }
    }

    private func write(_ who: Int, _ map: Int, _ key: String, _ value: DocumentValue?) {
        let stamp = models[who].nextStamp(now: clock.now)
        perform(who, .keyWrite(map, key, stamp: stamp, value))
    }

    private func perform(_ who: Int, events count: Int = 1, _ body: ModelOperation.Body) {
        nextOrder += 1
        let operation = ModelOperation(
            replica: who, index: operations[who].count, order: nextOrder, seen: models[who].seen, body: body)
        operations[who].append(operation)
        models[who].apply(operation)
        events[who] += UInt64(count)
    }

    private var nextOrder = 0

    private func stepText(_ who: Int, _ place: Int, _ text: TextEditor) throws {
        let length = models[who].texts[place].visible().count
        try require(text.count(in: .scalars) == length, "seed \(seed): a text is \(text.count(in: .scalars)) long, not \(length)")
        if isMarking, length > 0, random.chance(12) { return stepMark(who, place, text, length) }
        let start = random.below(length + 1)
        let end = random.chance(40) ? min(length, start + random.below(length > 300 ? 30 : 4)) : start
        let inserted = random.chance(75) ? random.pick(["x", "y", "é", "ab", "hello", "😀\n"]) : ""
        text.replace(start..<end, in: .scalars, with: inserted)
        if end > start {
            let units = Array(models[who].texts[place].visible()[start..<end])
            perform(who, events: units.count, .textDelete(place, units))
        }
        let scalars = Array(inserted.unicodeScalars)
        if scalars.isEmpty { return }
        let correction = models[who].correction(place, at: start)
        let first = textUnits[place]
        textUnits[place] += scalars.count
        var placements: [FugueOrder.Placement] = []
        for offset in scalars.indices {
            placements.append(models[who].texts[place].insert(first + offset, at: start + offset, origin: Session.origins[who]))
            dots[place].append(Dot(origin: OriginID(rawValue: Session.origins[who]), sequence: events[who] + UInt64(offset) + 1))
        }
        perform(who, events: scalars.count, .textInsert(place, unit: first, placements, scalars))
        for (key, value) in correction { mark(who, place, start..<start + scalars.count, key, value, .both) }
    }

    private func stepMark(_ who: Int, _ place: Int, _ text: TextEditor, _ length: Int) {
        let start = random.below(length), end = min(length, start + 1 + random.below(8))
        let key = random.pick(ModelReplica.markKeys), expansion = random.pick(Array(MarkExpansion.allCases))
        if random.chance(30) {
            text.unmark(start..<end, in: .scalars, key, expansion: expansion)
            // A hole grows where the marks around it do not.
            let removal: MarkExpansion = [.none: .both, .before: .before, .after: .after, .both: MarkExpansion.none][expansion]!
            mark(who, place, start..<end, key, nil, removal)
        } else {
            let value: DocumentValue = key == "color" ? .int(Int64(random.below(3))) : true
            text.mark(start..<end, in: .scalars, key, value, expansion: expansion)
            mark(who, place, start..<end, key, value, expansion)
        }
    }

    private func mark(_ who: Int, _ place: Int, _ range: Range<Int>, _ key: String, _ value: DocumentValue?, _ expansion: MarkExpansion) {
        let visible = models[who].texts[place].visible(), stamp = models[who].nextStamp(now: clock.now)
        perform(
            who, .mark(place, ModelMark(range, of: visible, key, value, expansion, origin: Session.origins[who], stamp: stamp)))
    }

    private func stepSet(_ who: Int, _ place: Int, _ set: SetEditor) {
        let member = DocumentValue.int(Int64(random.below(4)))
        let length = models[who].lengths[place][member] ?? 0
        if random.chance(60) {
            set.insert(member)
            perform(who, .member(place, member, length: length + (length % 2 == 0 ? 1 : 2)))
        } else {
            set.remove(member)
            if length % 2 == 1 { perform(who, .member(place, member, length: length + 1)) }
        }
    }

    private func stepList(_ who: Int, _ place: Int, _ list: ListEditor) throws {
        let shown = models[who].shown(place)
        try require(list.count == shown.count, "seed \(seed): a list is \(list.count) long, not \(shown.count)")
        // Short lists, so that what is done to one element meets often; what was deleted stays in the order all the same.
        if random.chance(15), try stepChild(who, place, list, shown) { return }
        switch random.below(shown.isEmpty ? 2 : shown.count > 40 ? 10 : 7) {
        case 0, 1, 2:
            let index = random.below(shown.count + 1), value = DocumentValue.int(Int64(random.below(1000)))
            if random.chance(8) { return insertChild(who, place, list, at: index) }
            list.insert(value, at: index)
            let (unit, placement) = slot(who, place, before: index)
            perform(who, .listInsert(place, unit: unit, placement, value, child: -1))
        case 3, 7, 8, 9:
            let index = random.below(shown.count)
            list.remove(at: index)
            perform(who, .listDelete(place, unit: shown[index]))
        case 4, 5:
            let index = random.below(shown.count), target = random.below(shown.count)
            list.move(from: index, to: target)
            if index == target { return }
            let stamp = models[who].nextStamp(now: clock.now)
            let element = models[who].slots[place][shown[index]]!
            let (unit, placement) = slot(who, place, before: target > index ? target + 1 : target)
            perform(who, .listMove(place, unit: unit, placement, element: element, stamp: stamp))
        default:
            let index = random.below(shown.count), value = DocumentValue.string("v\(random.below(100))")
            list[index] = value
            let stamp = models[who].nextStamp(now: clock.now)
            perform(who, .listWrite(place, element: models[who].slots[place][shown[index]]!, stamp: stamp, value))
        }
    }

    /// Inserts an element that is a text or a list.
    private func insertChild(_ who: Int, _ place: Int, _ list: ListEditor, at index: Int) {
        let isText = random.chance(60)
        if isText { _ = list.insertText(at: index) } else { _ = list.insertList(at: index) }
        let child = isText ? textUnits.count : listUnits.count
        if isText {
            textUnits.append(0)
            dots.append([])
        } else {
            listUnits.append(0)
        }
        for replica in models.indices { models[replica].open(texts: textUnits.count, lists: listUnits.count) }
        let (unit, placement) = slot(who, place, before: index)
        perform(who, .listInsert(place, unit: unit, placement, .container(isText ? .text : .list), child: child))
    }

    /// Changes a text or list that is an element; false when none is.
    private func stepChild(_ who: Int, _ place: Int, _ list: ListEditor, _ shown: [Int]) throws -> Bool {
        let start = random.below(max(1, shown.count))
        for offset in shown.indices {
            let index = (start + offset) % shown.count
            let element = models[who].element(place, slot: shown[index])
            guard case .container(let kind) = element.value else { continue }
            if kind == .text {
                try stepText(who, element.child, list.text(at: index))
            } else {
                try stepList(who, element.child, list.list(at: index))
            }
            return true
        }
        return false
    }

    /// A new slot right before the one that shows at an index, or behind everything.
    private func slot(_ who: Int, _ place: Int, before index: Int) -> (unit: Int, FugueOrder.Placement) {
        let visible = models[who].lists[place].visible()
        let shown = models[who].shown(place)
        let position = index == shown.count ? visible.count : visible.firstIndex(of: shown[index])!
        let unit = listUnits[place]
        listUnits[place] += 1
        return (unit, models[who].lists[place].insert(unit, at: position, origin: Session.origins[who]))
    }

    // MARK: - Anchors

    /// Sets an anchor now and then, and looks where the older ones are.
    private func checkAnchors(_ who: Int) throws {
        guard seed % 4 == 0 else { return }
        for place in 0..<2 {
            let text = place == 1 ? documents[who].map("m").map("n").text("t") : documents[who].text("t")
            let visible = models[who].texts[place].visible()
            let position = random.below(visible.count + 1)
            let side: TextAnchor.Side = random.chance(50) ? .before : .after
            let anchor = try text.anchor(at: position, side, in: .scalars)
            let index = side == .before ? position : position - 1
            let unit = visible.indices.contains(index) ? visible[index] : nil
            try require(anchor.character == unit.map { dots[place][$0] }, "seed \(seed): an anchor on another character")
            if anchors.count < 40 { anchors.append((who, place, anchor, unit)) }
            for other in anchors where other.text == place {
                guard let unit = other.unit, models[who].texts[place].has(unit) else { continue }
                let place = models[who].texts[place].count(before: unit)
                let isAfter = other.anchor.side == .after && !models[who].texts[other.text].isDeleted(unit)
                let found = try text.position(of: other.anchor, in: .scalars)
                try require(found == place + (isAfter ? 1 : 0), "seed \(seed): an anchor is at \(found), its character at \(place)")
            }
        }
    }
}
