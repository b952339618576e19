import SkerryCRDT

@testable import SkerryGossip

/// One seed: clients read and write while things fail; then all is healed, and what the members hold is judged.
final class PlacementRun {
    struct Write {
        let key: [UInt8]
        let value: [UInt8]
        /// What its client had seen.
        let seen: CausalContext
        var dot: Dot?
        var isAcknowledged = false
    }

    private struct Asked {
        let key: [UInt8]
        let write: Int?
        /// Of a read: how many writes of the key were acknowledged when it began.
        let acknowledged: Int
        let client: Int
    }

    let world: PlacementWorld
    private let options: PlacementWorld.Options
    private let changesRing: Bool
    private(set) var problems: [String] = []
    private(set) var writes: [Write] = []
    private var acknowledged: [[UInt8]: [Int]] = [:]
    private var asked: [UInt64: Asked] = [:]
    /// Answers that come while the call that asks is still under way.
    private var early: [UInt64: Result<Siblings, PlacementError>] = [:]
    /// What each client has seen of each key, the latest last.
    private var seen: [[[UInt8]: [CausalContext]]] = Array(repeating: [:], count: 3)
    private(set) var reads = 0
    private(set) var refusals = 0
    private(set) var siblingsSeen = 0
    private let keys: [[UInt8]] = (0..<10 as Range<UInt8>).map { [0x6B, $0] }

    init(seed: UInt64, _ options: PlacementWorld.Options, changesRing: Bool) {
        self.options = options
        self.changesRing = changesRing
        world = PlacementWorld(seed: seed, options)
        world.answered = { [unowned self] ticket, result in self.answer(ticket, result) }
    }

    var isStrict: Bool {
        !changesRing && !options.quorum.isSloppy && options.quorum.readQuorum + options.quorum.writeQuorum > options.quorum.copies
    }

    /// Everything a stranger would compare of two runs.
    var trace: UInt64 { world.digest }

    func run(operations: Int, crashPercent: Double = 0.15) {
        world.run(for: 300)
        world.crashPercent = crashPercent
        for _ in 0..<operations {
            world.run(for: UInt64(world.draws.below(120)))
            disturb()
            operate()
        }
        heal()
        judge()
        collapse()
    }

    // MARK: While things fail

    private func disturb() {
        let living = world.living
        switch world.draws.below(100) {
        case 0..<4: if living.count > 1 { world.crash(living[world.draws.below(living.count)]) }
        case 4..<12:
            if let down = world.members.first(where: { world.residents[$0].live == nil }) { world.start(down) }
        case 12..<15:
            let members = world.members
            world.isolate(Set(members.filter { _ in world.draws.chance(30) }))
        case 15..<21: world.cut([])
        case 21: if changesRing, world.faults.joins < 2 { world.join() }
        case 22:
            if changesRing, world.faults.leaves < 1, world.members.count > options.quorum.copies + 1 {
                world.leave(world.members[world.draws.below(world.members.count)])
            }
        default: break
        }
    }

    private func operate() {
        let candidates = world.living.filter { !world.residents[$0].hasLeft }
        guard !candidates.isEmpty else { return }
        let (index, key, client) = (
            candidates[world.draws.below(candidates.count)], keys[world.draws.below(keys.count)], world.draws.below(3)
        )
        guard world.draws.chance(55) else { return read(key, at: index, client) }
        let contexts = seen[client][key] ?? []
        let context =
            switch world.draws.below(100) {
            case 0..<70: contexts.last ?? CausalContext()
            case 70..<85: contexts.isEmpty ? CausalContext() : contexts[world.draws.below(contexts.count)]
            default: CausalContext()
            }
        write(key, replacing: context, at: index, client)
    }

    private func read(_ key: [UInt8], at index: Int, _ client: Int) {
        let known = acknowledged[key]?.count ?? 0
        note(world.read(key, at: index), Asked(key: key, write: nil, acknowledged: known, client: client))
    }

    private func write(_ key: [UInt8], replacing context: CausalContext, at index: Int, _ client: Int) {
        let number = writes.count
        let value = [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
        writes.append(Write(key: key, value: value, seen: context))
        note(world.write(key, value, replacing: context, at: index), Asked(key: key, write: number, acknowledged: 0, client: client))
    }

    private func note(_ ticket: UInt64, _ entry: Asked) {
        asked[ticket] = entry
        if let result = early.removeValue(forKey: ticket) { answer(ticket, result) }
    }

    private func answer(_ ticket: UInt64, _ result: Result<Siblings, PlacementError>) {
        guard let entry = asked.removeValue(forKey: ticket) else { return early[ticket] = result }
        guard case .success(let copy) = result else { return refusals += 1 }
        seen[entry.client][entry.key, default: []].append(copy.context)
        if let number = entry.write {
            guard let version = copy.versions.first(where: { $0.value == writes[number].value }) else {
                return problems.append("the answer to write \(number) lacks it")
            }
            writes[number].dot = version.dot
            writes[number].isAcknowledged = true
            acknowledged[entry.key, default: []].append(number)
        } else {
            reads += 1
            if copy.values.count > 1 { siblingsSeen += 1 }
            examine(copy, of: entry.key, "a read")
            guard isStrict else { return }
            for number in (acknowledged[entry.key] ?? []).prefix(entry.acknowledged) where !covers(copy, number) {
                problems.append("a read misses write \(number), which was acknowledged before it began")
            }
        }
    }

    private func covers(_ copy: Siblings, _ number: Int) -> Bool { writes[number].dot.map(copy.context.covers) ?? false }

    /// Values are of writes of this key, and what was acknowledged and is seen but not there was replaced by a write that had seen it.
    private func examine(_ copy: Siblings, of key: [UInt8], _ place: String) {
        for version in copy.versions where !writes.contains(where: { $0.key == key && $0.value == version.value }) {
            problems.append("\(place) holds what nobody wrote")
        }
        for (number, write) in writes.enumerated() where write.key == key && write.isAcknowledged && covers(copy, number) {
            guard let dot = write.dot, !copy.versions.contains(where: { $0.dot == dot && $0.value == write.value }) else { continue }
            if !writes.contains(where: { $0.key == key && $0.seen.covers(dot) }) {
                problems.append("\(place) has lost write \(number), which nobody replaced")
            }
        }
    }

    // MARK: At the end

    private func heal() {
        world.crashPercent = 0
        world.isHealed = true
        world.cut([])
        for index in world.residents.indices where world.residents[index].live == nil { world.start(index) }
        world.run(for: 3_000)
        world.run(for: 60_000) { self.world.isSettled }
        if !world.isSettled { problems.append("hints and comparisons do not come to an end") }
        // Members that left may go: what they kept for others is with them.
        for index in world.residents.indices where world.residents[index].hasLeft { world.crash(index) }
        world.run(for: 60_000) { self.world.isSettled && self.isEqual }
    }

    private func homes(of key: [UInt8]) -> [Int] {
        world.map.homes(of: PlacementRing.position(of: key)).map { Int($0.rawValue) - 1 }
    }

    private var isEqual: Bool { keys.allSatisfy { key in Set(homes(of: key).map { world.copy(of: key, at: $0) }).count == 1 } }

    private func judge() {
        let there = Set(world.members.map { world.residents[$0].node.zone }).count
        for key in keys {
            let homes = homes(of: key)
            let copies = homes.map { world.copy(of: key, at: $0) }
            if Set(copies).count > 1 { problems.append("the homes of \(key) do not agree") }
            let zones = Set(homes.map { world.residents[$0].node.zone }).count
            if zones < min(there, options.quorum.copies) { problems.append("the homes of \(key) are in \(zones) zones") }
            guard let copy = copies.first else { continue }
            examine(copy, of: key, "a home")
            for number in acknowledged[key] ?? [] where !covers(copy, number) { problems.append("write \(number) is lost") }
        }
    }

    /// A merge write makes one value of siblings, for every reader.
    private func collapse() {
        for key in keys {
            let copy = world.copy(of: key, at: homes(of: key)[0])
            guard copy.values.count > 1 else { continue }
            siblingsSeen += 1
            let number = writes.count
            write(key, replacing: copy.context, at: world.living[world.draws.below(world.living.count)], 0)
            world.run(for: 3_000)
            guard writes[number].isAcknowledged else {
                problems.append("a merge is not acknowledged, though all are well")
                continue
            }
            for index in homes(of: key) where world.copy(of: key, at: index).values != [writes[number].value] {
                problems.append("siblings outlive their merge")
            }
        }
    }
}
