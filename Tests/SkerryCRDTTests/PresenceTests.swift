import SkerryCRDT
import Testing

@testable import document_checks

@Suite("Presence")
struct PresenceTests {
    private static let one = OriginID(rawValue: 1), two = OriginID(rawValue: 2), three = OriginID(rawValue: 3)

    /// What a replica is told, and by whom.
    private func states(_ presence: Presence) -> [DocumentValue] { presence.states.map(\.state) }

    @Test("X-05: presence is the last thing each replica said, until it falls silent")
    func lastSaid() throws {
        var one = Presence(origin: Self.one, timeToLive: 1_000, number: 100), two = Presence(origin: Self.two, number: 7)
        let early = try one.say("here", now: 0), late = try one.say("there", now: 5)
        var heard = [two.hear(late, now: 10), two.hear(early, now: 20), two.hear(late, now: 20)]
        #expect(heard == [true, false, false])
        _ = try two.say(3, now: 20)
        #expect(states(two) == ["there", 3])
        heard = [two.hear(try one.say("there", now: 900), now: 900)]
        #expect(heard == [false])
        let early900 = two.expire(now: 1_500), gone = two.expire(now: 2_000)
        #expect(early900.isEmpty && gone == [Self.one])
        #expect(two.states.map(\.origin) == [Self.two])
        heard = [two.hear(try one.say(nil, now: 3_000), now: 3_000)]
        #expect(heard == [false] && two.states.count == 1)
    }

    @Test(
        "X-05: presence is what arrived last of what was said, over links that lose, repeat and delay",
        arguments: 0..<Soak.count(40, soak: 4_000))
    func links(seed: Int) throws { try Presences.run(seed: seed) }

    @Test("X-05: presence goes over a link as bytes, one by one and whole to who has just come")
    func overALink() throws {
        var one = Presence(origin: Self.one, timeToLive: 1_000, number: 0), two = Presence(origin: Self.two, number: 0)
        var late = Presence(origin: Self.three, number: 0)
        var changed = try two.hear(one.say("ann", now: 0).encoded(), now: 0)
        #expect(changed == [Self.one])
        changed = try two.hear(one.say("ann", now: 1).encoded(), now: 1)
        #expect(changed.isEmpty)
        _ = try two.say(.bytes([1]), now: 1)
        let frames = Presence.encode(two.messages(now: 400))
        #expect(frames.count == 1)
        changed = try late.hear(frames[0], now: 400)
        #expect(changed == [Self.one, Self.two])
        #expect(states(late) == ["ann", .bytes([1])])
        // Passed on by another it stands no longer than where it was said.
        let gone = late.expire(now: 1_002)
        #expect(gone == [Self.one] && states(late) == [.bytes([1])])
        changed = try late.hear(two.say(nil, now: 1_003).encoded(), now: 1_003)
        #expect(changed == [Self.two])
        #expect(states(late).isEmpty)
    }

    @Test("what stands is said again when half of its time is over, and nothing is said that is not there")
    func renewing() throws {
        var one = Presence(origin: Self.one, timeToLive: 1_000, number: 0)
        let nothing = one.renew(now: 0)
        #expect(nothing == nil)
        let first = try one.say("here", now: 0)
        let early = one.renew(now: 400), second = one.renew(now: 600), third = one.renew(now: 900)
        #expect(early == nil && third == nil)
        #expect(second?.state == "here" && second!.number > first.number)
        _ = try one.say(nil, now: 1_000)
        let afterwards = one.renew(now: 5_000)
        #expect(afterwards == nil && one.messages(now: 1_000).isEmpty)
    }

    @Test("a state that is too long or a container is refused where it is said, and so is a frame that holds one")
    func bounds() throws {
        var one = Presence(origin: Self.one, number: 0)
        _ = try one.say(.string(String(repeating: "x", count: Presence.stateMaximum - 3)), now: 0)
        let long = DocumentValue.bytes(Array(repeating: 0, count: Presence.stateMaximum - 2))
        for (state, code) in [(long, DocumentError.Code.limitExceeded), (.container(.map), .mismatch)] {
            do throws(DocumentError) {
                _ = try one.say(state, now: 1)
                Issue.record("\(code) is no error")
            } catch { #expect(error.code == code) }
            let message = Presence.Message(origin: Self.two, number: 1, state: state, timeToLive: 1)
            let isHeard = one.hear(message, now: 1)
            #expect(!isHeard)
            #expect(throws: DocumentError.self) { try Presence.decode(message.encoded()) }
        }
        #expect(one.states.count == 1)
    }

    @Test("a crowd fits the bounds: what is beyond them is refused until some fall silent, and goes over a link in several frames")
    func crowd() throws {
        var one = Presence(origin: Self.one, number: 0)
        let state = DocumentValue.string(String(repeating: "y", count: 1_000))
        for number in 0..<Presence.replicasMaximum + 10 {
            let message = Presence.Message(origin: OriginID(rawValue: UInt64(number) + 10), number: 1, state: state, timeToLive: .max)
            let isHeard = one.hear(message, now: 0)
            #expect(isHeard == (number < Presence.replicasMaximum))
        }
        let frames = Presence.encode(one.messages(now: 1))
        #expect(frames.count == 16 && frames.allSatisfy { $0.count <= Presence.frameMaximum + 16 })
        var two = Presence(origin: Self.two, number: 0)
        var heard = 0
        for frame in frames { heard += try two.hear(frame, now: 1).count }
        #expect(heard == Presence.replicasMaximum)
        #expect(two.states.map(\.origin) == one.states.map(\.origin))
        // Whatever they claim, they do not stand for ever.
        let gone = one.expire(now: Presence.timeToLiveMaximum + 1)
        #expect(gone.count == Presence.replicasMaximum)
        let isHeard = one.hear(Presence.Message(origin: Self.two, number: 1, state: state, timeToLive: 1), now: 0)
        #expect(isHeard)
    }
}
