import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("Bytes of membership")
struct MembershipFormatTests {
    private static let one = MemberID(rawValue: 0x0102_0304_0506_0708)
    private static let two = MemberID(rawValue: 0x1112_1314_1516_1718)

    @Test("packets have the bytes of the specification")
    func packets() throws {
        var writer = GossipPacket.begin(from: Self.one)
        let messages: [GossipMessage] = [
            .ping(number: 300, target: Self.two), .pingRequest(number: 301, target: Self.two), .acknowledgement(number: 302),
            .negative(number: 303),
            .news(
                MemberNews(
                    member: Self.two, opinion: MemberOpinion(incarnation: 4, status: .alive), source: Self.two, address: "10.0.0.2:7")),
            .news(MemberNews(member: Self.two, opinion: MemberOpinion(incarnation: 5, status: .suspect), source: Self.one, address: "")),
        ]
        for message in messages { message.write(to: &writer) }
        try GoldenBytes.check("membership-packet", writer.bytes)
        let packet = try writer.bytes.withUnsafeBytes { try GossipPacket.read($0) }
        #expect(packet == GossipPacket(sender: Self.one, messages: messages))
        try GoldenBytes.check("membership-packet-sealed", ClusterSecret.seal(writer.bytes, with: ClusterSecret([1, 2, 3])))
    }

    /// The messages of an exchange between two that do not know each other.
    private static func conversation() throws -> [[UInt8]] {
        var first = Membership(id: one, address: "a:1", epoch: 10, now: 0)
        var second = Membership(id: two, address: "b:2", epoch: 20, now: 0)
        first.map.setAddresses(["a:1", "c:3"])
        first.map.setHorizon(HybridTimestamp(rawValue: 77))
        second.map.setApplied([Dot(origin: OriginID(rawValue: 6), sequence: 300)])
        var (messages, output) = ([first.greeting()], MembershipOutput())
        for turn in 0..<3 {
            output.removeAll()
            try messages[turn].withUnsafeBytes {
                if turn % 2 == 0 {
                    try second.receive(message: $0, now: 1, into: &output)
                } else {
                    try first.receive(message: $0, now: 1, into: &output)
                }
            }
            messages.append(try #require(output.messages.first).bytes)
        }
        output.removeAll()
        try messages[3].withUnsafeBytes { try first.receive(message: $0, now: 1, into: &output) }
        #expect(first.map.applied(of: two) == [Dot(origin: OriginID(rawValue: 6), sequence: 300)])
        #expect(second.map.addresses(of: one) == ["a:1", "c:3"])
        try first.greeting().withUnsafeBytes { try second.receive(message: $0, now: 2, into: &output) }
        messages.append(try #require(output.messages.last).bytes)
        return messages
    }

    @Test("an exchange has the bytes of the specification: hello, table, table and delta, delta, same")
    func exchange() throws {
        for (index, message) in try Self.conversation().enumerated() { try GoldenBytes.check("membership-exchange-\(index + 1)", message) }
    }

    private static let broadcasts: [BroadcastMessage] = [
        .payload(BroadcastID(origin: one, number: 9), hops: 3, bytes: [1, 2, 3]),
        .announcement([
            BroadcastMessage.Announcement(id: BroadcastID(origin: one, number: 9), hops: 3),
            BroadcastMessage.Announcement(id: BroadcastID(origin: two, number: 1_000), hops: 1),
        ]), .graft(BroadcastID(origin: two, number: 5)), .graft(nil), .prune,
    ]

    private static let views: [ViewMessage] = [
        .join, .forwardJoin(one, timeToLive: 6), .neighbour(isUrgent: true), .neighbour(isUrgent: false), .neighbourReply(accepted: true),
        .disconnect,
        .shuffle(two, timeToLive: 4, [one, two]), .shuffleReply([one]),
    ]

    @Test("broadcasts and views have the bytes of the specification, and come back as they went")
    func messages() throws {
        try GoldenBytes.check("membership-broadcasts", Self.broadcasts.flatMap { [UInt8($0.encoded.count)] + $0.encoded })
        try GoldenBytes.check("membership-views", Self.views.flatMap { [UInt8($0.encoded.count)] + $0.encoded })
        for message in Self.broadcasts { #expect(try message.encoded.withUnsafeBytes { try BroadcastMessage(decoding: $0) } == message) }
        for message in Self.views { #expect(try message.encoded.withUnsafeBytes { try ViewMessage(decoding: $0) } == message) }
    }

    @Test("a packet of views has the bytes of the specification, and is taken from nobody but its sender")
    func viewPacket() throws {
        var sender = Membership(id: Self.one, address: "a:1", epoch: 10, secret: ClusterSecret([1, 2, 3]), now: 0)
        let message = ViewMessage.shuffle(Self.two, timeToLive: 4, [Self.one, Self.two])
        let packet = sender.packet(of: message)
        try GoldenBytes.check("membership-view-packet", packet)
        let receiver = Membership(id: Self.two, address: "b:2", epoch: 20, secret: ClusterSecret([1, 2, 3]), now: 0)
        #expect(try packet.withUnsafeBytes { try receiver.viewMessage(in: $0, from: Self.one) } == message)
        #expect(throws: MalformedPacket.self) { try packet.withUnsafeBytes { try receiver.viewMessage(in: $0, from: Self.two) } }
        let stranger = Membership(id: Self.two, address: "b:2", epoch: 20, secret: ClusterSecret([1, 2]), now: 0)
        #expect(throws: MalformedPacket.self) { try packet.withUnsafeBytes { try stranger.viewMessage(in: $0, from: Self.one) } }
        for length in packet.indices {
            #expect(throws: MalformedPacket.self) {
                try packet[..<length].withUnsafeBytes { try receiver.viewMessage(in: $0, from: Self.one) }
            }
        }
        #expect(sender.map.usesViews(Self.one) == nil)
        sender.map.setUsesViews(true)
        #expect(sender.map.usesViews(Self.one) == true && sender.map.value(.views, of: Self.one) == [1])
        sender.map.setUsesViews(false)
        #expect(sender.map.usesViews(Self.one) == false)
    }

    @Test("bytes that anybody may have sent do no harm: none stops the process or makes a table longer than its bound")
    func fuzz() throws {
        var draws = Draws(77)
        var corpus = try Self.conversation()
        corpus += Self.broadcasts.map(\.encoded) + Self.views.map(\.encoded)
        var writer = GossipPacket.begin(from: Self.one)
        for index in 0..<12 as Range<UInt64> {
            let news = MemberNews(
                member: MemberID(rawValue: index), opinion: MemberOpinion(incarnation: index, status: .alive), source: Self.one,
                address: "x")
            GossipMessage.news(news).write(to: &writer)
            GossipMessage.ping(number: index, target: Self.two).write(to: &writer)
        }
        corpus.append(writer.bytes)
        var victim = Membership(id: Self.two, address: "b:2", epoch: 20, now: 0)
        var (output, refused) = (MembershipOutput(), 0)
        for round in 0..<(SwimTests.isSoak ? 1_000_000 : 20_000) as Range<UInt64> {
            let bytes = Mutation.mutated(corpus[draws.below(corpus.count)], &draws)
            output.removeAll()
            bytes.withUnsafeBytes { bytes in
                do throws(MalformedPacket) { try victim.receive(packet: bytes, now: round, into: &output) } catch { refused += 1 }
                do throws(MalformedPacket) { try victim.receive(message: bytes, now: round, into: &output) } catch { refused += 1 }
                do throws(MalformedPacket) { _ = try BroadcastMessage(decoding: bytes) } catch { refused += 1 }
                do throws(MalformedPacket) { _ = try ViewMessage(decoding: bytes) } catch { refused += 1 }
                do throws(MalformedPacket) { _ = try victim.viewMessage(in: bytes, from: Self.one) } catch { refused += 1 }
            }
            if round % 64 == 0 { victim.advance(now: round, using: &draws, into: &output) }
            #expect(output.packets.allSatisfy { $0.bytes.count <= victim.detector.profile.packetBytes })
        }
        #expect(refused > 10_000)
        #expect(
            victim.detector.members.count <= MembershipLimits.membersMaximum && victim.map.members.count <= MembershipLimits.membersMaximum)
        #expect(victim.detector.relays.count <= MembershipLimits.relaysMaximum)
    }

    @Test("packets keep their limit however much news there is")
    func packetLimit() throws {
        var detector = FailureDetector(id: Self.one, address: "a", profile: .lan, now: 0)
        var output = MembershipOutput()
        for index in 0..<500 as Range<UInt64> {
            let news = MemberNews(
                member: MemberID(rawValue: index), opinion: MemberOpinion(incarnation: 1, status: .alive), source: Self.one,
                address: String(repeating: "x", count: Int(index % 256)))
            detector.hear(news, 0, &output)
        }
        var draws = Draws(1)
        for now in stride(from: 0 as UInt64, to: 20_000, by: 100) { detector.advance(now: now, using: &draws, into: &output) }
        #expect(output.packets.count > 100)
        #expect(output.packets.allSatisfy { $0.bytes.count + ClusterSecret.tagBytes <= 1_400 })
    }
}
