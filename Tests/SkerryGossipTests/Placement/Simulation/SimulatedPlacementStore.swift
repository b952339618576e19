import SkerryCRDT

@testable import SkerryGossip

/// What survives the crash of a member: all that was committed.
final class PlacementDisk {
    var origin: OriginID
    var sequence: UInt64 = 0
    var copies: [[UInt8]: Siblings] = [:]
    var hints: [MemberID: [[UInt8]: Siblings]] = [:]

    init(origin: OriginID) { self.origin = origin }
}

/// A store on a disk that forgets what was not committed.
struct SimulatedPlacementStore: PlacementStore, ~Copyable {
    typealias Failure = Never

    private let disk: PlacementDisk
    private var memory: MemoryPlacementStore
    private var sequence: UInt64
    private var dirtyKeys: Set<[UInt8]> = []
    private var dirtyHints: [MemberID: [[UInt8]: Siblings?]] = [:]

    init(_ disk: PlacementDisk) {
        self.disk = disk
        memory = MemoryPlacementStore(origin: disk.origin)
        sequence = disk.sequence
        for (key, copy) in disk.copies { memory.merge(copy, into: key) }
        for (home, copies) in disk.hints { for (key, copy) in copies { memory.keep(HintTable.Hint(home: home, key: key, copy: copy)) } }
    }

    var origin: OriginID { memory.origin }
    var count: Int { memory.count }

    mutating func nextSequence() -> UInt64 {
        sequence += 1
        return sequence
    }

    mutating func renew(_ origin: OriginID) { memory.renew(origin) }

    mutating func drop(_ key: [UInt8]) {
        memory.drop(key)
        dirtyKeys.insert(key)
    }

    func siblings(of key: [UInt8]) -> Siblings { memory.siblings(of: key) }

    mutating func merge(_ copy: Siblings, into key: [UInt8]) -> Bool {
        guard memory.merge(copy, into: key) else { return false }
        dirtyKeys.insert(key)
        return true
    }

    func key(at place: WriteKey) -> [UInt8]? { memory.key(at: place) }

    mutating func keep(_ hint: HintTable.Hint) {
        memory.keep(hint)
        dirtyHints[hint.home, default: [:]][hint.key] = .some(hint.copy)
    }

    mutating func drop(hintFor home: MemberID, of key: [UInt8]) {
        memory.drop(hintFor: home, of: key)
        dirtyHints[home, default: [:]].updateValue(nil, forKey: key)
    }

    func hints() -> [HintTable.Hint] { memory.hints() }

    mutating func commit() {
        (disk.sequence, disk.origin) = (sequence, memory.origin)
        for key in dirtyKeys {
            let copy = memory.siblings(of: key)
            disk.copies[key] = copy.context.dots.isEmpty ? nil : copy
        }
        for (home, copies) in dirtyHints { for (key, copy) in copies { disk.hints[home, default: [:]][key] = copy } }
        dirtyKeys = []
        dirtyHints = [:]
    }

    func summary(of range: WriteRange) -> RangeSummary { memory.summary(of: range) }
    func key(at rank: UInt64) -> WriteKey? { memory.key(at: rank) }
    func digest(of key: WriteKey) -> EntryDigest? { memory.digest(of: key) }
    func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) { memory.visit(range, body) }
}
