import SkerryCRDT

/// A replica of a document, told plainly: every rule of the documentation as directly as it can be written down.
struct ModelReplica {
    struct Write {
        var replica: Int
        var index: Int
        var stamp: HybridTimestamp
        var value: DocumentValue?
    }

    struct Element {
        var writes: [Write]
        /// The number of the text or list that it is, if it is one.
        var child: Int
        var isDeleted = false
        /// The slot it shows in, with what that slot won by.
        var slot: Int
        var slotStamp: HybridTimestamp
        var slotReplica: Int
    }

    let replica: Int
    let origins: [UInt64]
    /// How many operations of each replica are here.
    var seen: [Int]
    /// The largest stamp made or seen.
    var highWater: UInt64 = 0

    var texts = [FugueOrder(), FugueOrder()]
    /// By text and unit.
    var scalars: [[Unicode.Scalar?]] = [[], []]
    /// By text.
    var marks: [[ModelMark]] = [[], []]
    var lists = [FugueOrder(), FugueOrder()]
    /// By list and slot: the element it is for.
    var slots: [[Int?]] = [[], []]
    /// By list and the slot it was made with.
    var elements: [[Element?]] = [[], []]
    var keys: [[String: [Write]]] = [[:], [:], [:], [:]]
    var counters: [Int64] = [0, 0]
    var lengths: [[DocumentValue: UInt64]] = [[:], [:]]

    init(replica: Int, origins: [UInt64]) {
        self.replica = replica
        self.origins = origins
        seen = Array(repeating: 0, count: origins.count)
    }

    /// Elements of lists are texts and lists, too: room for so many.
    mutating func open(texts textCount: Int, lists listCount: Int) {
        while texts.count < textCount {
            texts.append(FugueOrder())
            scalars.append([])
            marks.append([])
        }
        while lists.count < listCount {
            lists.append(FugueOrder())
            slots.append([])
            elements.append([])
        }
    }

    // MARK: - The clock

    mutating func nextStamp(now: UInt64) -> HybridTimestamp {
        highWater = max(now << 16, highWater + 1)
        return HybridTimestamp(rawValue: highWater)
    }

    // MARK: - Taking in operations

    mutating func apply(_ operation: ModelOperation) {
        seen[operation.replica] += 1
        switch operation.body {
        case .textInsert(let text, let first, let placements, let content):
            for (offset, placement) in placements.enumerated() {
                if !texts[text].has(first + offset) { texts[text].place(first + offset, placement) }
                Self.set(content[offset], at: first + offset, of: &scalars[text])
            }
        case .textDelete(let text, let units): for unit in units { texts[text].delete(unit) }
        case .mark(let text, let mark):
            observe(mark.stamp)
            marks[text].append(mark)
        case .listInsert(let list, let unit, let placement, let value, let child):
            if !lists[list].has(unit) { lists[list].place(unit, placement) }
            Self.set(unit, at: unit, of: &slots[list])
            let write = Write(replica: operation.replica, index: operation.index, stamp: .zero, value: value)
            let element = Element(
                writes: [write], child: child, slot: unit, slotStamp: .zero, slotReplica: operation.replica)
            Self.set(element, at: unit, of: &elements[list])
        case .listMove(let list, let unit, let placement, let element, let stamp):
            observe(stamp)
            if !lists[list].has(unit) { lists[list].place(unit, placement) }
            Self.set(element, at: unit, of: &slots[list])
            let shown = elements[list][element]!
            if stamp != shown.slotStamp ? stamp > shown.slotStamp : origins[operation.replica] > origins[shown.slotReplica] {
                elements[list][element]!.slot = unit
                elements[list][element]!.slotStamp = stamp
                elements[list][element]!.slotReplica = operation.replica
            }
        case .listDelete(let list, let unit):
            lists[list].delete(unit)
            elements[list][slots[list][unit]!]!.isDeleted = true
        case .listWrite(let list, let element, let stamp, let value):
            observe(stamp)
            let write = Write(replica: operation.replica, index: operation.index, stamp: stamp, value: value)
            Self.put(write, seen: operation.seen, origins, into: &elements[list][element]!.writes)
        case .keyWrite(let map, let key, let stamp, let value):
            observe(stamp)
            let write = Write(replica: operation.replica, index: operation.index, stamp: stamp, value: value)
            Self.put(write, seen: operation.seen, origins, into: &keys[map][key, default: []])
        case .add(let counter, let amount): counters[counter] &+= amount
        case .member(let set, let member, let length): lengths[set][member] = max(lengths[set][member] ?? 0, length)
        }
    }

    private static func set<T>(_ value: T, at index: Int, of array: inout [T?]) {
        while array.count <= index { array.append(nil) }
        array[index] = value
    }

    private mutating func observe(_ stamp: HybridTimestamp) { highWater = max(highWater, stamp.rawValue) }

    /// A write takes the place of those its author had seen; the largest stamp stands first, then the larger origin.
    private static func put(_ write: Write, seen: [Int], _ origins: [UInt64], into writes: inout [Write]) {
        writes.removeAll { $0.index < seen[$0.replica] }
        writes.append(write)
        writes.sort { $0.stamp != $1.stamp ? $0.stamp > $1.stamp : origins[$0.replica] > origins[$1.replica] }
    }

    // MARK: - Reading

    /// The slots that show, in order.
    mutating func shown(_ list: Int) -> [Int] { lists[list].visible().filter { isShown($0, list) } }

    mutating func items(_ list: Int) -> [Plain.Item] {
        shown(list).map { slot in
            let element = elements[list][slots[list][slot]!]!
            switch element.writes[0].value ?? .null {
            case .container(.text): return .text(runs(element.child))
            case .container(.list): return .list(items(element.child))
            case let value: return .value(value)
            }
        }
    }

    /// What an element of a list says, and the number of the text or list that it is.
    func element(_ list: Int, slot: Int) -> (value: DocumentValue, child: Int) {
        let element = elements[list][slots[list][slot]!]!
        return (element.writes[0].value ?? .null, element.child)
    }

    func isShown(_ slot: Int, _ list: Int) -> Bool {
        let number = slots[list][slot]!
        return !elements[list][number]!.isDeleted && elements[list][number]!.slot == slot
    }

    func winner(_ map: Int, _ key: String) -> DocumentValue? { keys[map][key]?.first?.value }

    func members(_ set: Int) -> Set<DocumentValue> { Set(lengths[set].filter { $0.value % 2 == 1 }.keys) }
}
