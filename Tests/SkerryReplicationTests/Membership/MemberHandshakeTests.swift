import SkerryGossip
import Testing

@testable import SkerryReplication

@Suite("The opening of links between members")
struct MemberHandshakeTests {
    private static let ada = MemberID(rawValue: 0x0102_0304_0506_0708)
    private static let bob = MemberID(rawValue: 0x1112_1314_1516_1718)
    private static let secret = Array("a secret of members".utf8)

    private static func pair(
        _ secret: [UInt8]? = secret, other: [UInt8]? = secret, purpose: LinkPurpose = .membership, nonces: (UInt8, UInt8) = (1, 2)
    ) -> (MemberHandshake, MemberHandshake) {
        (
            MemberHandshake(dialling: purpose, as: ada, secret: secret, nonce: Array(repeating: nonces.0, count: 16)),
            MemberHandshake(accepting: [.membership], as: bob, secret: other, nonce: Array(repeating: nonces.1, count: 16))
        )
    }

    private func step(_ packet: [UInt8]?, _ side: inout MemberHandshake) throws -> MemberHandshake.Step {
        try #require(packet).withUnsafeBytes { side.receive($0) }
    }

    private func output(_ side: inout MemberHandshake) throws -> [UInt8] {
        let packet = side.takeOutput()
        return try #require(packet)
    }

    private func code(_ step: MemberHandshake.Step) -> MemberError.Code? {
        if case .refused(let error) = step { error.code } else { nil }
    }

    @Test("both sides learn who is there and what the link is for, in one round trip")
    func opens() throws {
        var (ada, bob) = Self.pair()
        #expect(try step(ada.takeOutput(), &bob) == .wait)
        #expect(try step(bob.takeOutput(), &ada) == .opened(.init(member: Self.bob, purpose: .membership)))
        #expect(try step(ada.takeOutput(), &bob) == .opened(.init(member: Self.ada, purpose: .membership)))
        #expect(ada.takeOutput() == nil && bob.takeOutput() == nil)
    }

    /// The proofs were computed by another program, from the document.
    @Test("the packets are those of docs/formats/member-links.md")
    func golden() throws {
        var (ada, bob) = Self.pair()
        let greeting = try output(&ada)
        #expect(hex(greeting) == "534b4d4c01010807060504030201" + String(repeating: "01", count: 16))
        _ = try step(greeting, &bob)
        let answer = try output(&bob)
        #expect(hex(answer) == "534b4d4c01001817161514131211" + String(repeating: "02", count: 16) + "7c2243aa30c17f99a083311a52355570")
        _ = try step(answer, &ada)
        let confirmation = try output(&ada)
        #expect(hex(confirmation) == "075b79c0c9768f29049f9304908c1cde")
    }

    @Test("who does not know the secret opens nothing, on either side", arguments: [Array("another secret".utf8), nil])
    func secrets(other: [UInt8]?) throws {
        var (ada, bob) = Self.pair(other: other)
        _ = try step(ada.takeOutput(), &bob)
        #expect(code(try step(bob.takeOutput(), &ada)) == .secret)
        // One that does not look at the proof gets no further either.
        #expect(ada.takeOutput() == nil)
        #expect(code(try step(Array(repeating: 0, count: 16), &bob)) == .secret)
    }

    @Test("packets overheard open nothing, because both sides draw a number")
    func replay() throws {
        var (ada, bob) = Self.pair()
        let greeting = try output(&ada)
        _ = try step(greeting, &bob)
        _ = try step(bob.takeOutput(), &ada)
        let confirmation = try output(&ada)
        var (_, later) = Self.pair(nonces: (1, 3))
        _ = try step(greeting, &later)
        #expect(code(try step(confirmation, &later)) == .secret)
    }

    @Test("the other side hears which purpose, or which version, is not spoken")
    func refusals() throws {
        var (ada, bob) = Self.pair(purpose: .replication)
        #expect(code(try step(ada.takeOutput(), &bob)) == .purpose)
        #expect(code(try step(bob.takeOutput(), &ada)) == .purpose)

        var (other, listener) = Self.pair()
        var greeting = try output(&other)
        greeting[4] = 9
        #expect(code(try step(greeting, &listener)) == .version)
        #expect(code(try step(listener.takeOutput(), &other)) == .version)
    }

    @Test("whatever byte is changed, shortened or added, no side opens or traps")
    func damage() throws {
        for changed in 0..<96 {
            var (ada, bob) = Self.pair()
            let greeting = damaged(try output(&ada), changed)
            guard case .wait = try step(greeting, &bob) else { continue }
            guard case .opened = try step(bob.takeOutput(), &ada) else { continue }
            // A greeting that still has its meaning is one whose transcript differs: the proofs tell.
            Issue.record("a greeting changed at \(changed) was taken")
        }
        for changed in 0..<96 {
            var (ada, bob) = Self.pair()
            _ = try step(ada.takeOutput(), &bob)
            guard case .refused = try step(damaged(try output(&bob), changed), &ada) else {
                Issue.record("an answer changed at \(changed) was taken")
                continue
            }
        }
    }

    /// The byte changed; behind the end, cut there or longer.
    private func damaged(_ packet: [UInt8], _ place: Int) -> [UInt8] {
        if place < packet.count { return packet.enumerated().map { $0 == place ? $1 ^ 0x10 : $1 } }
        return place % 2 == 0 ? Array(packet.prefix(place % packet.count)) : packet + [0]
    }

    private func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
