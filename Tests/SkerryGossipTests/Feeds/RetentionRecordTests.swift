import SkerryCRDT
@testable import SkerryGossip
import Testing

/// What is known of members, as it is stored and sent.
@Suite("Records of members")
struct RetentionRecordTests {
    private func dot(_ origin: UInt64, _ sequence: UInt64) -> Dot { Dot(origin: OriginID(rawValue: origin), sequence: sequence) }

    /// Three members, of which one is proposed to go, and one that has gone.
    private func known() -> Retention {
        var retention = Retention(floor: 5)
        var applied = CausalContext()
        func apply(_ change: RegistryChange, _ at: Dot) {
            applied.insert(at)
            retention.apply(change, dot: at, own: OriginID(rawValue: 1), applied: applied)
        }
        for origin in 1...3 as ClosedRange<UInt64> {
            apply(.register(origin: OriginID(rawValue: origin), site: 10 + origin, epoch: origin), dot(1, origin))
        }
        apply(.register(origin: OriginID(rawValue: 4), site: 14, epoch: 900), dot(2, 1))
        apply(.retire(origin: OriginID(rawValue: 4), isForced: false), dot(1, 4))
        for origin in 1...3 as ClosedRange<UInt64> {
            apply(.acknowledge(CausalContext(covering: [dot(1, 4), dot(2, 1)])), dot(origin, 10))
        }
        apply(.retire(origin: OriginID(rawValue: 3), isForced: true), dot(2, 11))
        retention.dropped(HybridTimestamp(rawValue: 1 << 40))
        return retention
    }

    @Test("what was written is read back as it was, whatever the order")
    func roundTrip() throws {
        let retention = known()
        #expect(retention.members.count == 3 && retention.fences.map(\.origin.rawValue) == [4])
        for records in [retention.records, retention.records.reversed()] {
            let read = try Retention(records: records, floor: 5)
            #expect(read.members == retention.members && read.fences == retention.fences && read.horizon == retention.horizon)
            // What is known is to be acknowledged anew.
            #expect(read.unacknowledged == 1 && read.floor == 5)
        }
        #expect(throws: FeedError.self) { try Retention(records: retention.records + retention.records) }
    }

    @Test("the records are written as the format says")
    func golden() {
        let texts = known().records.map { record in
            (record.key + [0xFF] + record.value).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        let (first, second) = ("0100000000000000", "0200000000000000")
        let acknowledged = "02" + first + "04" + second + "01"
        #expect(
            texts == [
                "010000000000000001" + "ff" + "0b00000000000000" + "01" + first + "01" + acknowledged + "00",
                "010000000000000002" + "ff" + "0c00000000000000" + "02" + first + "02" + acknowledged + "00",
                "010000000000000003" + "ff" + "0d00000000000000" + "03" + first + "03" + acknowledged + "01" + second + "0b" + "01",
                "020000000000000004" + "ff" + "0e00000000000000" + "8407" + "00" + "0000000000000000",
                "03" + "ff" + "0000000000010000",
            ])
    }

    @Test("the changes from one state to another lead there, from any state to any")
    func changes() throws {
        let states = [Retention(floor: 5), try Retention(records: known().records.prefix(2)), known()]
        for old in states {
            for new in states {
                var rows = Dictionary(uniqueKeysWithValues: old.records.map { ($0.key, $0.value) })
                for change in new.changes(since: old) { rows[change.key] = change.value }
                let read = try Retention(records: rows.map { Retention.Record(key: $0.key, value: $0.value) })
                #expect(read.members == new.members && read.fences == new.fences && read.horizon == new.horizon)
            }
            #expect(old.changes(since: old).isEmpty)
        }
    }

    @Test("of two members that know different proposals no more are kept than a record may hold")
    func proposals() throws {
        /// Of three members, one of them proposed to go so many times by one of the others.
        func known(_ proposer: UInt64, _ count: UInt64) -> Retention {
            var retention = Retention()
            let applied = CausalContext()
            func apply(_ change: RegistryChange, _ at: Dot) { retention.apply(change, dot: at, own: at.origin, applied: applied) }
            for origin in 1...3 as ClosedRange<UInt64> {
                apply(.register(origin: OriginID(rawValue: origin), site: origin, epoch: 1), dot(origin, 0))
            }
            for number in 1...count { apply(.retire(origin: OriginID(rawValue: 3), isForced: false), dot(proposer, number)) }
            return retention
        }
        var merged = known(1, 40)
        merged.merge(known(2, 40), applied: CausalContext())
        #expect(merged.members.last?.proposals.count == Retention.proposalsMaximum)
        #expect(try Retention(records: merged.records).members == merged.members)
        #expect(Set(merged.members.last?.proposals.map(\.dot.origin.rawValue) ?? []) == [1, 2])
        merged.merge(known(2, 60), applied: CausalContext())
        #expect(merged.members.last?.proposals.count == Retention.proposalsMaximum)
    }

    @Test("damaged records are refused or read as what would be written, and never trap", arguments: 0..<8 as Range<UInt64>)
    func hostile(_ seed: UInt64) {
        var random = SystemlessRandom(seed)
        let good = known().records
        for _ in 0..<400 {
            var records = good
            let place = Int(random.next() % UInt64(records.count))
            if random.next() % 4 == 0 {
                records[place].key = records[place].key.map { $0 ^ UInt8(random.next() % 3) }
            } else if random.next() % 2 == 0 {
                records[place].value.removeLast(Int(random.next() % UInt64(records[place].value.count + 1)))
            } else {
                records[place].value[Int(random.next() % UInt64(records[place].value.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            guard let read = try? Retention(records: records) else { continue }
            #expect((try? Retention(records: read.records))?.members == read.members)
        }
    }
}

/// Random numbers of a seed.
private struct SystemlessRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
