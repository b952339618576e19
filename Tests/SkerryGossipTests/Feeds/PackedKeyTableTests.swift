import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("Rows of keys without an object for each")
struct PackedKeyTableTests {
    private static func rows(_ table: PackedKeyTable) -> [[UInt8]: KeyTable.Row] {
        var rows: [[UInt8]: KeyTable.Row] = [:]
        table.forEach { key, row in
            #expect(rows[key] == nil, "a key twice")
            rows[key] = row
        }
        return rows
    }

    @Test("it is a table of keys, whatever is applied, removed and collected", arguments: 1...8 as ClosedRange<UInt64>)
    func model(_ seed: UInt64) {
        let world = FeedWorld(seed: seed)
        var (table, model) = (PackedKeyTable(), [[UInt8]: KeyTable.Row]())
        let span = [4, 60, 2_000][Int(seed % 3)]
        // Values so large that all is moved together now and then.
        let large = seed % 2 == 0 ? 3_000 : 12
        for step in 0..<3_000 {
            let number = world.below(span)
            let key = [UInt8(number & 255), UInt8(number >> 8)] + [UInt8](repeating: 7, count: number % 5)
            if world.chance(15) {
                table.remove(key)
                model[key] = nil
            } else {
                let row = KeyTable.Row(
                    dot: Dot(origin: OriginID(rawValue: UInt64(1 + world.below(3)) << 60), sequence: UInt64(1 + world.below(500))),
                    stamp: HybridTimestamp(rawValue: UInt64(world.below(900))), isRemoval: world.chance(30),
                    value: [UInt8](repeating: UInt8(step & 255), count: world.below(large)))
                let isCurrent = model[key].map { row.supersedes($0) } ?? true
                #expect(table.apply(row, key: key) == isCurrent)
                if isCurrent { model[key] = row }
            }
            #expect(table.row(of: key) == model[key])
            #expect(table.count == model.count)
        }
        #expect(Self.rows(table) == model)
        #expect(table.bytesAllocated < 12 << 20)
    }

    @Test("a copy stays as it was, and tombstones go as they do from a table of objects")
    func collects() {
        var (table, plain) = (PackedKeyTable(), KeyTable())
        let origin = OriginID(rawValue: 5)
        for number in 1...40 as ClosedRange<UInt64> {
            let row = KeyTable.Row(
                dot: Dot(origin: origin, sequence: number), stamp: HybridTimestamp(rawValue: number << 16), isRemoval: number % 2 == 0,
                value: [1])
            table.apply(row, key: [UInt8(number)])
            plain.apply(row, key: [UInt8(number)])
        }
        var retention = Retention(floor: 0)
        retention.apply(
            .register(origin: origin, site: 1, epoch: 1), dot: Dot(origin: origin, sequence: 0), own: origin, applied: CausalContext())
        retention.apply(
            .acknowledge(CausalContext(covering: [Dot(origin: origin, sequence: 20)])), dot: Dot(origin: origin, sequence: 41), own: origin,
            applied: CausalContext())
        let copy = table
        var other = retention
        #expect(table.collect(&retention, now: 1_000) == 10)
        #expect(plain.collect(&other, now: 1_000) == 10)
        #expect(Self.rows(table) == plain.rows && retention == other && copy.count == 40)
    }
}
