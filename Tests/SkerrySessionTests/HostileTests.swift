import Testing

@testable import SkerrySession

/// A peer that lies, in every way the grammar allows and in those that it does not: the session ends with a precise violation, nothing traps, and what a
/// peer can make a side keep is bounded.
@Suite("Hostile peers")
struct HostileTests {
    /// An acceptor in an established session, fed with packets made by hand.
    final class Victim {
        let pair: Pair
        var sequence: UInt64 = 0

        init(_ traits: LinkTraits = .stream, _ configuration: SessionConfiguration = SessionConfiguration()) throws {
            pair = try Pair(traits, acceptor: configuration)
            _ = pair.acceptor.take()
        }

        var side: Side { pair.acceptor }

        /// A numbered binary packet of these frames.
        func send(_ frames: [[UInt64]]) -> SessionError? {
            var packet: [UInt8] = [PacketFlag.numbered]
            sequence += 1
            packet.append(integer: sequence)
            packet.append(integer: 0)
            for frame in frames {
                var body: [UInt8] = []
                for value in frame { body.append(integer: value) }
                packet.append(integer: UInt64(body.count))
                packet += body
            }
            side.receive(packet, now: pair.now)
            return side.events.failure
        }

        func send(text frames: String) -> SessionError? {
            sequence += 1
            side.receive(Array("[\(sequence),0,\(frames)]".utf8), now: pair.now)
            return side.events.failure
        }
    }

    static let call = UInt64(FrameType.call.rawValue)
    static let defines: UInt64 = 16
    /// A definition of method 0 called "n" with digest 0, and the format.
    static let method: [UInt64] = [0, 1, 110, 0, 0, 0, 0, 0, 0, 0, 0, 1]

    static func type(_ type: FrameType) -> UInt64 { UInt64(type.rawValue) }

    struct Crime: CustomTestStringConvertible {
        var testDescription: String
        var frames: [[UInt64]]
        var rule: ProtocolViolation.Rule
    }

    static let crimes: [Crime] = [
        Crime(testDescription: "no such frame", frames: [[15]], rule: .unknownFrame),
        Crime(testDescription: "a frame of the link in a numbered packet", frames: [[type(.ping), 1]], rule: .unknownFrame),
        Crime(testDescription: "an empty frame", frames: [[]], rule: .malformedPacket),
        Crime(testDescription: "a frame that ends early", frames: [[type(.credit), 3]], rule: .malformedFrame),
        Crime(testDescription: "a frame that goes on", frames: [[type(.cancel), 2, 0]], rule: .malformedFrame),
        Crime(testDescription: "a call with an id of the callee", frames: [[call, 3, defines, 0] + method], rule: .wrongParity),
        Crime(testDescription: "a call with place 0", frames: [[call, 8_192, defines, 0] + method], rule: .slotOutOfRange),
        Crime(
            testDescription: "an id twice", frames: [[call, 2, defines, 0] + method, [call, 2, 0, 0, 0, 1]], rule: .idReused),
        Crime(
            testDescription: "an older id", frames: [[call, 8_194, defines, 0] + method, [type(.finish), 8_194]], rule: .unknownQuestion),
        Crime(testDescription: "a one-way call with an id", frames: [[call, 2, 1 | defines, 0] + method], rule: .malformedFrame),
        Crime(testDescription: "a call without an id", frames: [[call, 0, defines, 0] + method], rule: .malformedFrame),
        Crime(testDescription: "unknown flags", frames: [[call, 2, 512, 0] + method], rule: .malformedFrame),
        Crime(testDescription: "a method that was not defined", frames: [[call, 2, 0, 0, 0, 1]], rule: .unknownMethod),
        Crime(
            testDescription: "a definition out of turn", frames: [[call, 2, defines, 0, 5, 1, 110, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
            rule: .unknownMethod),
        Crime(
            testDescription: "a method without a name", frames: [[call, 2, defines, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
            rule: .malformedFrame),
        Crime(testDescription: "a name beyond its bound", frames: [[call, 2, defines, 0, 0, 300]], rule: .tooLarge),
        Crime(
            testDescription: "a name that is not UTF-8", frames: [[call, 2, defines, 0, 0, 1, 0x41, 0, 0, 0, 0, 0, 0, 0, 0, 9]],
            rule: .malformedFrame),
        Crime(testDescription: "a call for what was never introduced", frames: [[call, 2, defines, 18] + method], rule: .unknownReference),
        Crime(testDescription: "a call for what the caller hosts", frames: [[call, 2, defines, 4 << 1] + method], rule: .wrongParity),
        Crime(
            testDescription: "a promise of a call that was never made", frames: [[call, 2, defines, 8 << 1 | 1, 0] + method],
            rule: .unknownQuestion),
        Crime(
            testDescription: "a promise of a call of the other side", frames: [[call, 2, defines, 3 << 1 | 1, 0] + method],
            rule: .wrongParity),
        Crime(testDescription: "an id beyond 2^53", frames: [[call, 1 << 53, defines, 0] + method], rule: .malformedFrame),
        Crime(
            testDescription: "a table of references beyond its bound",
            frames: [[call, 2, defines | 128, 0] + method.dropLast() + [1, 100_000]], rule: .tooManyReferences),
        Crime(
            testDescription: "an unknown reference comes home", frames: [[call, 2, defines | 128, 0] + method + [1, 1, 3]],
            rule: .unknownReference),
        Crime(
            testDescription: "the root is introduced", frames: [[call, 2, defines | 128, 0] + method + [1, 1, 0]], rule: .unknownReference),
        Crime(
            testDescription: "no such kind of reference", frames: [[call, 2, defines | 128, 0] + method + [1, 9, 2]], rule: .malformedFrame),
        Crime(testDescription: "a reply to nothing", frames: [[type(.return), 3, 0, 1]], rule: .unknownQuestion),
        Crime(testDescription: "a reply to an own call", frames: [[type(.return), 2, 0, 1]], rule: .wrongParity),
        Crime(testDescription: "working on nothing", frames: [[type(.working), 3]], rule: .unknownQuestion),
        Crime(testDescription: "one-way calls end that never began", frames: [[type(.done), 1]], rule: .unknownQuestion),
        Crime(testDescription: "a cancellation of nothing", frames: [[type(.cancel), 2]], rule: .unknownQuestion),
        Crime(testDescription: "a cancellation of an own call", frames: [[type(.cancel), 3]], rule: .wrongParity),
        Crime(testDescription: "elements on nothing", frames: [[type(.send), 3, 0, 1, 7]], rule: .unknownReference),
        Crime(testDescription: "credit for nothing", frames: [[type(.credit), 3, 1, 1]], rule: .unknownReference),
        Crime(testDescription: "credit without bound", frames: [[type(.credit), 0, 0, 1 << 50]], rule: .malformedFrame),
        Crime(
            testDescription: "credit that adds up without bound",
            frames: [[UInt64]](repeating: [type(.credit), 0, 0, 1 << 39], count: 3), rule: .creditOverflow),
        Crime(testDescription: "the end of nothing", frames: [[type(.close), 3, 0, 0]], rule: .unknownReference),
        Crime(testDescription: "a release of nothing", frames: [[type(.release), 1, 3, 1]], rule: .unknownReference),
        Crime(testDescription: "a release of what the peer hosts", frames: [[type(.release), 1, 2, 1]], rule: .wrongParity),
        Crime(testDescription: "a release with too few entries", frames: [[type(.release), 2, 2]], rule: .malformedFrame),
        Crime(testDescription: "parts within parts", frames: [[type(.part), 1, type(.part), 1, 1]], rule: .unknownFrame),
        Crime(testDescription: "parts of nothing", frames: [[type(.part), 1]], rule: .malformedFrame),
        Crime(testDescription: "HELLO within parts", frames: [[type(.part), 1, type(.hello)]], rule: .unknownFrame),
    ]

    @Test("each breach of the rules is named with its place", arguments: crimes)
    func crime(_ crime: Crime) throws {
        let victim = try Victim()
        // The name that is not UTF-8 and the older id are made on the spot.
        let error: SessionError?
        switch crime.testDescription {
        case "a name that is not UTF-8":
            var packet: [UInt8] = [1, 1, 0, 16, 1, 2, 16, 0, 0, 1, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 1]
            packet[3] = UInt8(packet.count - 4)
            victim.side.receive(packet, now: victim.pair.now)
            error = victim.side.events.failure
        default: error = victim.send(crime.frames)
        }
        #expect(error?.code == .protocolViolation)
        #expect(error?.violation?.rule == crime.rule, "\(error?.description ?? "no error")")
        #expect(try #require(error?.violation).offset > 0)
        // The peer is told which rule it was.
        let bye = try #require(victim.side.packet(now: victim.pair.now))
        try bye.withUnsafeBytes { bytes in
            var reader = FrameReader(bytes, isText: false)
            _ = try PacketHeader(&reader)
            #expect(try reader.beginFrame() == .bye)
            #expect(try reader.reason().code == crime.rule.rawValue)
        }
        #expect(victim.side.isFinished)
    }

    static let textCrimes: [(String, ProtocolViolation.Rule)] = [
        ("7", .malformedPacket), ("[]", .malformedFrame), ("[\"nonsense\",1]", .unknownFrame), ("[\"part\",1,2]", .unknownFrame),
        ("[\"call\",2,0,0,\"n\",null,null,[],1]", .malformedPacket), ("[\"call\",-2,0,0,\"n\",null,null,[],1", .malformedFrame),
        ("[\"call\",2.5,0,0,\"n\",null,null,[],1]", .malformedFrame), ("[\"call\",02,0,0,\"n\",null,null,[],1]", .malformedFrame),
        ("[\"call\",99999999999999999999,0,0,\"n\",null,null,[],1]", .malformedFrame),
        ("[\"call\",2,0,0,\"\\ud800\",null,null,[],1]", .malformedFrame),
        ("[\"call\",2,0,0,\"\",null,null,[],1]", .malformedFrame), ("[\"call\",2,0,0,\"n\",null,\"abc\",[],1]", .malformedFrame),
        ("[\"call\",2,0,0,\"n\",null,null,[[\"box\",3]],1]", .malformedFrame),
        ("[\"call\",2,0,0,\"n\",null,null,[],{\"a\":}]", .malformedFrame),
        ("[\"call\",2,0,0,\"n\",null,null,[],\(String(repeating: "[", count: 65))\(String(repeating: "]", count: 65))]", .tooDeep),
        ("[\"call\",2,0,0,\"n\",null,null,[\(String(repeating: "null,", count: 300))null],1]", .tooManyReferences),
        ("[\"call\",3,0,0,\"n\",null,null,[],1]", .wrongParity), ("[\"send\",3,0,[],[1]]", .unknownReference),
        ("[\"release\",3,1]", .unknownReference),
        ("[\"call\",2,0,0,\"\(String(repeating: "n", count: 300))\",null,null,[],1]", .malformedFrame),
    ]

    @Test("each breach in text is named with its place", arguments: textCrimes)
    func textCrime(_ frames: String, _ rule: ProtocolViolation.Rule) throws {
        let victim = try Victim(.text)
        // Behind a whole frame something must follow or the packet must end.
        let error = rule == .malformedPacket && frames.hasPrefix("[\"call") ? victim.send(text: frames + " x") : victim.send(text: frames)
        #expect(error?.violation?.rule == rule, "\(error?.description ?? "no error")")
    }

    @Test("a gap, a confirmation of the future, an oversized packet and a second HELLO end a session on a stream")
    func packets() throws {
        func rule(_ packet: [UInt8], _ traits: LinkTraits = .stream) throws -> ProtocolViolation.Rule? {
            let victim = try Victim(traits)
            victim.side.receive(packet, now: victim.pair.now)
            return victim.side.events.failure?.violation?.rule
        }
        #expect(try rule([1, 2, 0]) == .sequenceGap)
        #expect(try rule([1, 1, 9]) == .acknowledgementAhead)
        #expect(try rule([1, 0, 0]) == .malformedPacket)
        #expect(try rule([0x80]) == .malformedPacket)
        #expect(try rule([]) == .malformedPacket)
        #expect(try rule([2, 0, 1, 0, 1]) == .malformedPacket, "ranges on a stream")
        #expect(try rule([0, 0, 3, 1, 2, 3]) == .unknownFrame, "a call without a number")
        #expect(try rule([UInt8](repeating: 0, count: SessionLimits.packetMaximum + 1)) == .tooLarge)
        #expect(try rule(Array("[1,0] x".utf8), .text) == .malformedPacket)
        #expect(try rule(Array("{}".utf8), .text) == .malformedPacket)
        let pair = try Pair(attached: false)
        try pair.attach()
        let hello = try #require(pair.initiator.packet(now: pair.now))
        pair.acceptor.receive(hello, now: pair.now)
        pair.acceptor.receive(hello, now: pair.now)
        #expect(pair.acceptor.take().failure?.violation?.rule == .unexpectedHello)
    }

    @Test("Y-14: elements without credit end the session, for the channel, for its bytes and for the session")
    func creditOverrun() throws {
        func overrun(_ change: (inout SessionConfiguration) -> Void, elements: [Int]) throws -> ProtocolViolation.Rule? {
            var configuration = SessionConfiguration()
            change(&configuration)
            let victim = try Victim(.stream, configuration)
            let sender = try victim.side.core.export(.sender)
            _ = try victim.side.call("take", references: [.sender(sender)])
            victim.pair.exchange()
            var frame: [UInt64] = [Self.type(.send), sender.rawValue, 0]
            for size in elements {
                frame.append(UInt64(size))
                frame += [UInt64](repeating: 1, count: size)
            }
            return victim.send([frame])?.violation?.rule
        }
        #expect(try overrun({ _ in }, elements: [Int](repeating: 1, count: 16)) == nil)
        #expect(try overrun({ _ in }, elements: [Int](repeating: 1, count: 17)) == .creditOverrun)
        #expect(try overrun({ $0.channelBytes = 100 }, elements: [99, 500]) == nil)
        #expect(try overrun({ $0.channelBytes = 100 }, elements: [100, 1]) == .creditOverrun)
        let large = SessionLimits.elementMaximum / 4
        func bytes(_ configuration: inout SessionConfiguration) {
            configuration.sessionBytes = 100
            configuration.channelBytes = 8 << 20
        }
        #expect(try overrun(bytes, elements: [large, large, large]) == nil)
        #expect(
            try overrun(bytes, elements: [large, large, large, large, 200]) == .creditOverrun, "the window and one element of any size")
    }

    @Test("giving back more than was introduced, and calls on channel ends, end the session")
    func belowZero() throws {
        func rule(_ kind: SessionReference.Kind, _ frames: (UInt64) -> [[UInt64]]) throws -> ProtocolViolation.Rule? {
            let victim = try Victim()
            let id = try victim.side.core.export(kind)
            let reference: SessionReference = kind == .service ? .service(id) : .sender(id)
            _ = try victim.side.call("take", references: [reference, reference])
            victim.pair.exchange()
            return victim.send(frames(id.rawValue))?.violation?.rule
        }
        #expect(try rule(.service) { [[Self.type(.release), 1, $0, 2]] } == nil)
        #expect(try rule(.service) { [[Self.type(.release), 1, $0, 3]] } == .releaseBelowZero)
        #expect(try rule(.service) { [[Self.type(.release), 1, $0, 0]] } == .releaseBelowZero)
        #expect(try rule(.service) { [[Self.type(.release), 2, $0, 2, $0, 1]] } == .unknownReference)
        #expect(try rule(.service) { [[Self.type(.close), $0, 0, 0]] } == .wrongKind)
        #expect(try rule(.service) { [[Self.type(.send), $0, 0, 1, 7]] } == .wrongKind)
        #expect(try rule(.sender) { [[Self.call, 2, Self.defines, $0 << 1] + Self.method] } == .wrongKind)
        #expect(try rule(.sender) { [[Self.type(.credit), $0, 1, 1]] } == .wrongKind)
        #expect(try rule(.sender) { [[Self.type(.close), $0, 0, 0], [Self.type(.send), $0, 0, 1, 7]] } == .channelClosed)
        #expect(try rule(.sender) { [[Self.type(.send), $0, 0]] } == .malformedFrame)
    }

    @Test("more methods than the table holds, and calls beyond those that are refused politely, end the session")
    func floods() throws {
        let victim = try Victim()
        var error: SessionError?
        var slot: UInt64 = 0
        for index in 0...SessionLimits.methods where error == nil {
            slot += 1
            let id = (slot % 4_095 + 1) << 1 | (slot / 4_095) << 13
            error = victim.send([[Self.call, id, Self.defines, 0, UInt64(index)] + Self.method.dropFirst()])
            for (_, call) in victim.side.take().calls { victim.side.answer(call.id) }
            _ = victim.side.packets(now: victim.pair.now)
        }
        #expect(error?.violation?.rule == .tooManyMethods)

        let other = try Victim()
        error = other.send([[Self.call, 2, Self.defines, 0] + Self.method])
        var made: UInt64 = 1
        while error == nil, made < 10_000 {
            made += 1
            let id = (made % 4_095 + 1) << 1 | (made / 4_095) << 13
            error = other.send([[Self.call, id, 0, 0, 0, 1]])
        }
        #expect(error?.violation?.rule == .callFlood)
        #expect(made == UInt64(SessionLimits.callsInFlight + SessionLimits.refusalsWaiting + 1))

        let third = try Victim()
        error = third.send([[Self.call, 0, Self.defines | 1, 0] + Self.method])
        made = 1
        while error == nil, made < 10_000 {
            made += 1
            error = third.send([[Self.call, 0, 1, 0, 0, 1]])
        }
        #expect(error?.violation?.rule == .callFlood && made == UInt64(SessionLimits.oneWayCalls + 1))
    }

    @Test("a frame in parts stays below the largest frame, and held calls below their bound")
    func sizeBombs() throws {
        let victim = try Victim()
        var error: SessionError?
        var sent = 0
        let piece = [UInt64](repeating: 1, count: 60_000)
        while error == nil, sent < 100 {
            error = victim.send([[Self.type(.part), 0] + piece])
            sent += 1
            #expect(victim.side.core.assembly.count <= SessionLimits.frameMaximum)
        }
        #expect(error?.violation?.rule == .tooLarge && sent == SessionLimits.frameMaximum / 60_000 + 1)

        let other = try Victim()
        _ = other.send([[Self.call, 2, Self.defines | 4, 0] + Self.method])
        for slot in 2..<100 as Range<UInt64> { _ = other.send([[Self.call, slot << 1, 0, 2 << 1 | 1, 0, 0, 1] + piece]) }
        #expect(other.side.core.heldBytes <= SessionLimits.heldBytes && other.side.events.failure == nil)
        #expect(other.side.core.held.count == SessionLimits.heldBytes / 60_000)
    }

    @Test("a peer that asks and never reads makes replies wait within a bound, then gets failures")
    func slowReader() throws {
        let victim = try Victim()
        let large = [UInt8](repeating: 1, count: 1_000_000)
        _ = victim.send([[Self.call, 2, Self.defines, 0] + Self.method])
        for slot in 2..<200 as Range<UInt64> { _ = victim.send([[Self.call, slot << 1, 0, 0, 0, 1]]) }
        for (_, call) in victim.side.take().calls { large.withUnsafeBytes { victim.side.core.answer(call.id, value: $0, format: .cbor) } }
        #expect(victim.side.core.statistics.bytesQueued <= SessionLimits.replyQueueMaximum + SessionLimits.frameMaximum + 20_000)
        #expect(victim.side.core.openAnswers == 0)
    }

    @Test(
        "random bytes, and packets of a lively session with random changes, never trap", arguments: [LinkTraits.stream, .text, .datagram])
    func mutations(_ traits: LinkTraits) throws {
        var generator = SeededGenerator(seed: 7)
        let samples = try GoldenTests.packets(traits.encoding == .text ? .text : .stream).map(\.bytes)
        var violations = 0
        for round in 0..<3_000 {
            let pair = try Pair(traits)
            let service = try pair.acceptor.core.export(.service)
            let sender = try pair.acceptor.core.export(.sender)
            _ = try pair.acceptor.call("n", references: [.service(service), .sender(sender)])
            if round % 8 == 0 { pair.exchange() }
            for _ in 0..<4 {
                var packet =
                    round % 3 == 0 ? Self.noise(&generator) : Self.mutated(samples[Int(generator.below(UInt64(samples.count)))], &generator)
                if traits.delivery == .lossy, generator.chance(0.9) {
                    let checksum = packet.withUnsafeBytes { CRC32C.checksum($0) }
                    withUnsafeBytes(of: checksum.littleEndian) { packet += $0 }
                }
                pair.acceptor.receive(packet, now: pair.now)
                _ = pair.acceptor.packets(now: pair.now)
            }
            violations += pair.acceptor.events.failure == nil ? 0 : 1
            let statistics = pair.acceptor.core.statistics
            #expect(statistics.bytesQueued + statistics.bytesUntaken < 1 << 20)
        }
        #expect(violations > 500)
    }

    private static func noise(_ generator: inout SeededGenerator) -> [UInt8] {
        (0..<generator.below(64)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    /// A few bytes changed, removed, doubled or put in; the number of the packet is mostly made to fit.
    private static func mutated(_ sample: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var packet = sample
        if packet.count > 2, packet[0] == 1, generator.chance(0.8) { (packet[1], packet[2]) = (1, 0) }
        for _ in 0...generator.below(4) where !packet.isEmpty {
            let place = Int(generator.below(UInt64(packet.count)))
            switch generator.below(4) {
            case 0: packet[place] ^= 1 << UInt8(generator.below(8))
            case 1: packet[place] = UInt8(truncatingIfNeeded: generator.next())
            case 2: packet.remove(at: place)
            default: packet.insert(contentsOf: packet[place...].prefix(Int(generator.below(8))), at: place)
            }
        }
        return packet
    }
}
