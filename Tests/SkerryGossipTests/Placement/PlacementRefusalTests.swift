import SkerryCRDT
import Testing

@testable import SkerryGossip

/// One member alone with what others send it: what it refuses has no effect, and what they send does not stop it.
@Suite("What a member that places keys refuses")
struct PlacementRefusalTests {
    private typealias Core = PlacementCore<MemoryPlacementStore>

    private static let key: [UInt8] = [1]
    private static func member(_ number: UInt64) -> MemberID { MemberID(rawValue: number) }

    /// The first of so many members.
    private static func core(members: UInt64 = 3, _ configure: (inout PlacementConfiguration) -> Void = { _ in }) -> Core {
        var configuration = PlacementConfiguration()
        configure(&configuration)
        var core = Core(
            id: member(1), life: 1, store: MemoryPlacementStore(origin: OriginID(rawValue: 1)), configuration: configuration, now: 0)
        core.setMap(map(1...members), now: 0)
        return core
    }

    private static func map(_ members: ClosedRange<UInt64>) -> PlacementMap {
        PlacementMap(PlacementRing(members.map { PlacementRing.Node(member: member($0)) }), copies: 3)
    }

    /// A copy of as many origins as may be, from a number on.
    private static func full(from first: UInt64) -> Siblings {
        let dots = (0..<UInt64(PlacementLimits.originsMaximum)).map { Dot(origin: OriginID(rawValue: first + $0), sequence: 1) }
        return Siblings(versions: [Siblings.Version(dot: dots[0], value: [1])], context: CausalContext(covering: dots))
    }

    private static func message(_ envelope: PlacementOutput.Envelope) throws -> PlacementMessage {
        try envelope.bytes.withUnsafeBytes { bytes in try PlacementMessage(bytes) }
    }

    private static func receive(_ content: PlacementMessage.Content, from number: UInt64, _ core: inout Core) throws -> PlacementMessage? {
        var output = PlacementOutput()
        core.receive(PlacementMessage(1, content), from: member(number), now: 1, into: &output)
        return try output.messages.first.map(message)
    }

    @Test("a write and a deletion that are refused because too many are under way change nothing")
    func busy() throws {
        var core = Self.core { $0.requestsMaximum = 0 }
        var output = PlacementOutput()
        core.write(Self.key, [1], replacing: CausalContext(), ticket: 1, now: 1, into: &output)
        core.write(Self.key, nil, replacing: CausalContext(), ticket: 2, now: 1, into: &output)
        core.read(Self.key, ticket: 3, now: 1, into: &output)
        #expect(output.answers.map(\.result) == Array(repeating: .failure(PlacementError(.busy)), count: 3))
        #expect(core.store.siblings(of: Self.key) == Siblings() && core.store.count == 0 && output.messages.isEmpty)
    }

    @Test("requests that have their answer do not use up the room for others, and those that wait longest leave hints behind")
    func lingering() throws {
        var core = Self.core {
            ($0.requestsMaximum, $0.lingeringMaximum, $0.quorum.writeQuorum) = (2, 4, 1)
        }
        var output = PlacementOutput()
        for index in 0..<10 as Range<UInt8> {
            core.write([index + 1], [index], replacing: CausalContext(), ticket: UInt64(index), now: 1, into: &output)
        }
        #expect(output.answers.count == 10 && output.answers.allSatisfy { (try? $0.result.get()) != nil })
        #expect(core.requests.count == 4 && core.openRequests == 0)
        #expect(core.hintCount == 6 * 2, "for both of the others, which have not answered")
    }

    @Test("copies that each keep the limits and together do not are refused, as a home and as one who stands in, and everything goes on")
    func join() throws {
        var core = Self.core()
        let (one, other) = (Self.full(from: 1_000), Self.full(from: 10_000))
        let refused = PlacementMessage(1, .refused(PlacementError(.tooManySiblings)))
        #expect(try Self.receive(.store(key: Self.key, home: nil, copy: one), from: 2, &core) == PlacementMessage(1, .stored))
        #expect(try Self.receive(.store(key: Self.key, home: nil, copy: other), from: 3, &core) == refused)
        #expect(core.store.siblings(of: Self.key) == one)
        #expect(try Self.receive(.store(key: Self.key, home: Self.member(3), copy: other), from: 2, &core) == PlacementMessage(1, .stored))
        #expect(try Self.receive(.store(key: Self.key, home: Self.member(3), copy: one), from: 2, &core) == refused)
        #expect(core.hints.hint(of: Self.key, for: Self.member(3))?.copy == other)
        // What is sent of both must be read by others.
        #expect(try Self.receive(.read(key: Self.key), from: 2, &core) == PlacementMessage(1, .copy(one)))
        var output = PlacementOutput()
        core.write(Self.key, [2], replacing: one.context, ticket: 1, now: 1, into: &output)
        #expect(output.answers.map(\.result) == [.failure(PlacementError(.tooManySiblings))], "one origin more")
        #expect(core.store.siblings(of: Self.key) == one && core.openRequests == 0)
    }

    @Test("answers that together break the limits mend nobody, and make no write")
    func answers() throws {
        for isRead in [true, false] {
            var core = Self.core()
            let (one, other) = (Self.full(from: 1_000), Self.full(from: 10_000))
            _ = try Self.receive(.store(key: Self.key, home: nil, copy: one), from: 2, &core)
            var output = PlacementOutput()
            if isRead {
                core.read(Self.key, ticket: 1, now: 1, into: &output)
            } else {
                core.write(Self.key, [2], replacing: other.context, ticket: 1, now: 1, into: &output)
            }
            let asked = try #require(output.messages.first)
            let number = try Self.message(asked).number
            output.removeAll()
            core.receive(PlacementMessage(number, .copy(other)), from: asked.target, now: 1, into: &output)
            #expect(output.answers.count == 1)
            if isRead {
                #expect(try output.answers[0].result.get() == one.merging(other))
            } else {
                #expect(output.answers[0].result == .failure(PlacementError(.tooManySiblings)))
            }
            for message in output.messages { _ = try Self.message(message) }
            #expect(core.store.siblings(of: Self.key) == one)
        }
    }

    @Test("a hint that its home can never take is dropped, and does not hold up the others")
    func hopelessHint() throws {
        var core = Self.core()
        _ = try Self.receive(.store(key: Self.key, home: Self.member(3), copy: Self.full(from: 1)), from: 2, &core)
        var (output, draws) = (PlacementOutput(), Draws(1))
        core.advance(now: 500, using: &draws, into: &output)
        let sent = try output.messages.map(Self.message).filter { if case .store = $0.content { true } else { false } }
        try #require(sent.count == 1)
        core.receive(
            PlacementMessage(sent[0].number, .refused(PlacementError(.tooManySiblings))), from: Self.member(3), now: 501, into: &output)
        #expect(core.hintCount == 0 && core.statistics.hintsRefused == 1)
    }

    @Test("hints that were kept before a restart are all there after it, also beyond the bounds, and new ones wait for room")
    func loadedHints() throws {
        var store = MemoryPlacementStore(origin: OriginID(rawValue: 1))
        var copy = Siblings()
        copy.write([1], replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: 5), sequence: 1))
        for index in 0..<5 as Range<UInt8> { store.keep(HintTable.Hint(home: Self.member(3), key: [index], copy: copy)) }
        var configuration = PlacementConfiguration()
        configuration.hintsMaximum = 2
        var core = Core(id: Self.member(1), life: 1, store: store, configuration: configuration, now: 0)
        #expect(core.hintCount == 5)
        let answer = try Self.receive(.store(key: [9], home: Self.member(3), copy: copy), from: 2, &core)
        #expect(answer == PlacementMessage(1, .refused(PlacementError(.busy))))
    }

    @Test("T-10: a copy that comes to a member that is no home any more makes it compare with the homes")
    func strayCopy() throws {
        var core = Self.core(members: 5)
        var copy = Siblings()
        copy.write([1], replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: 5), sequence: 1))
        let key = try #require(
            (0..<100 as Range<UInt8>).map { [$0] }.first { !core.map.homes(of: PlacementRing.position(of: $0)).contains(Self.member(1)) })
        core.unsettled = []
        core.nextCompare = 100_000
        #expect(try Self.receive(.store(key: key, home: nil, copy: copy), from: 2, &core) == PlacementMessage(1, .stored))
        #expect(core.unsettled == Set(core.map.homes(of: PlacementRing.position(of: key))))
        #expect(core.nextDeadline == 1 + core.configuration.settleInterval)
        core.unsettled = []
        _ = try Self.receive(.store(key: key, home: nil, copy: copy), from: 2, &core)
        #expect(core.unsettled.isEmpty, "it has come before")
    }

    @Test("T-10: a comparison that began before the ring changed does not settle what came with the change")
    func staleComparison() throws {
        for changes in [false, true] {
            var core = Self.core(members: 2)
            var (output, draws) = (PlacementOutput(), Draws(1))
            core.unsettled = [Self.member(2)]
            core.advance(now: 200, using: &draws, into: &output)
            let name = try #require(core.comparisons.keys.first)
            if changes { core.setMap(Self.map(1...3), now: 201) }
            // Both stores are empty, and the other side says so.
            var other = ReconciliationCore(responder: [])
            var (events, frame): ([ReconciliationEvent], [UInt8]) = ([], [])
            let store = MemoryPlacementStore(origin: OriginID(rawValue: 2))
            for _ in 0..<10 where core.comparisons[name] != nil {
                for message in try output.messages.map(Self.message) {
                    if case .compare(_, let bytes) = message.content { try other.receive(bytes, events: &events) }
                }
                output.removeAll()
                while other.nextFrame(into: &frame, from: store, events: &events) {
                    let answer = PlacementMessage(name.number, .compare(fromInitiator: false, frame: frame))
                    core.receive(answer, from: Self.member(2), now: 202, into: &output)
                }
            }
            #expect(core.comparisons.isEmpty && core.statistics.comparisons == 1)
            #expect(core.unsettled.contains(Self.member(2)) == changes)
        }
    }

    @Test("joining goes through both copies once: copies of many versions join at once and as the rule says")
    func merging() {
        func copy(_ first: UInt64, _ count: UInt64) -> Siblings {
            let dots = (first..<first + count).map { Dot(origin: OriginID(rawValue: $0 / 16), sequence: $0 % 16 + 1) }
            return Siblings(versions: dots.map { Siblings.Version(dot: $0, value: nil) }, context: CausalContext(covering: dots))
        }
        let (one, other) = (copy(0, 40_000), copy(20_000, 40_000))
        let joined = one.merging(other)
        #expect(joined == copy(0, 60_000) && other.merging(one) == joined && joined.merging(one) == joined)
        // By the rule, for copies in which each has seen some of the other's replaced.
        var draws = Draws(7)
        for _ in 0..<300 {
            let pair = (0..<2).map { _ -> Siblings in
                let dots = (1...3).flatMap { origin in
                    (1...3 as ClosedRange<UInt64>).map { Dot(origin: OriginID(rawValue: UInt64(origin)), sequence: $0) }
                }
                let seen = CausalContext(covering: dots.filter { _ in draws.chance(40) })
                let held = dots.filter { seen.covers($0) && draws.chance(50) }
                return Siblings(versions: held.map { Siblings.Version(dot: $0, value: nil) }, context: seen)
            }
            let versions = (pair[0].versions + pair[1].versions.filter { !pair[0].versions.contains($0) }).filter { version in
                pair.allSatisfy { !$0.context.covers(version.dot) || $0.versions.contains(version) }
            }
            #expect(pair[0].merging(pair[1]).versions == versions.sorted { $0.dot < $1.dot })
        }
    }
}
