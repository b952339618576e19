import Testing

@testable import SkerrySession

@Suite("Lossy links")
struct LossyTests {
    /// Runs `pair` over a network until both sides rest or time is up; the initiator's calls are answered at once.
    private func run(_ pair: Pair, _ network: inout NetworkModel, until end: Duration, _ step: (Pair) throws -> Bool) rethrows {
        var flight: [(at: Moment, toAcceptor: Bool, bytes: [UInt8])] = []
        let limit = pair.now + end
        while pair.now < limit {
            if try step(pair) { return }
            for (side, path) in [(pair.initiator, NetworkModel.Path.toAcceptor), (pair.acceptor, .toInitiator)] {
                for packet in side.packets(now: pair.now) {
                    let fate = network.send(packet.count, on: path, delivery: .lossy, now: pair.now)
                    for arrival in [fate.arrival, fate.duplicate].compactMap({ $0 }) {
                        var copy = packet
                        if fate.isDamaged { network.damage(&copy) }
                        flight.append((arrival, path == .toAcceptor, copy))
                    }
                }
            }
            pair.now = pair.now + .milliseconds(1)
            for packet in flight.filter({ $0.at <= pair.now }).sorted(by: { $0.at < $1.at }) {
                (packet.toAcceptor ? pair.acceptor : pair.initiator).receive(packet.bytes, now: pair.now)
            }
            flight.removeAll { $0.at <= pair.now }
            pair.initiator.advance(to: pair.now)
            pair.acceptor.advance(to: pair.now)
            for (received, call) in pair.acceptor.take().calls {
                pair.acceptor.answer(call.id, received.text(call.payload))
            }
        }
    }

    @Test("Y-15: at 30 % loss, doubled, overtaken and damaged packets all calls return, once and right")
    func heavyLoss() throws {
        let pair = try Pair(.datagram)
        var conditions = NetworkConditions.radio
        conditions.loss = 0.3
        conditions.corruption = 0.1
        var network = NetworkModel(seed: 3, conditions: conditions)
        var asked: [QuestionID: String] = [:]
        var returned = 0
        try run(pair, &network, until: .seconds(120)) { pair in
            if asked.count < 100 { asked[try pair.initiator.call("n", "\(asked.count)")] = "\(asked.count)" }
            for (received, id, outcome) in pair.initiator.take().returns {
                #expect(received.text(outcome.payload) == asked[id])
                returned += 1
            }
            return returned == 100
        }
        #expect(returned == 100)
        #expect(network.faults.lost > 0 && network.faults.damaged > 0 && pair.acceptor.core.statistics.packetsDamaged > 0)
    }

    @Test("what has arrived beyond a gap is not sent again: the ranges say so, and the gap is closed before the timer")
    func selective() throws {
        let pair = try Pair(.datagram)
        // A first exchange measures the round trip.
        _ = try pair.initiator.call("n")
        pair.exchange()
        pair.pass(.milliseconds(20))
        pair.exchange()
        var packets: [[UInt8]] = []
        for index in 0..<8 {
            _ = try pair.initiator.call("n", "\(index)")
            packets += pair.initiator.packets(now: pair.now)
        }
        for (index, packet) in packets.enumerated() where index != 2 { pair.acceptor.receive(packet, now: pair.now) }
        let before = pair.initiator.core.statistics.packetsResent
        for packet in pair.acceptor.packets(now: pair.now) { pair.initiator.receive(packet, now: pair.now) }
        let again = pair.initiator.packets(now: pair.now)
        #expect(again.count == 1 && pair.initiator.core.statistics.packetsResent == before + 1, "in the same moment")
        pair.acceptor.receive(again[0], now: pair.now)
        #expect(pair.acceptor.take().calls.count == 9)
    }

    @Test("the window is halved once for a flight with losses, falls to two at silence, and grows again")
    func window() {
        var recovery = Recovery()
        var now = Moment.zero
        func confirm(_ count: Int) {
            for _ in 0..<count {
                var record = Retention.Record(start: 0, count: 1, order: recovery.nextOrder(), sentAt: now)
                now = now + .milliseconds(10)
                record.wasResent = false
                recovery.confirmed(record, now: now)
            }
        }
        #expect(recovery.window == 10 && recovery.timeout == .milliseconds(200))
        confirm(30)
        #expect(recovery.window == 40, "slow start")
        #expect(recovery.smoothed == .milliseconds(10) && recovery.timeout == .milliseconds(30))
        recovery.lost(upTo: recovery.lastOrder)
        recovery.lost(upTo: recovery.lastOrder - 1)
        #expect(recovery.window == 20)
        confirm(20)
        #expect(recovery.window == 21, "avoidance")
        recovery.timedOut()
        #expect(recovery.window == 2 && recovery.timeout == .milliseconds(60))
        recovery.timedOut()
        #expect(recovery.timeout == .milliseconds(120))
        confirm(1)
        #expect(recovery.timeout == .milliseconds(30))
        confirm(1_000)
        #expect(recovery.window <= SessionLimits.reorderWindow)
    }

    @Test("a megabyte over a link that loses one packet in a hundred takes what bandwidth and losses allow")
    func bulk() throws {
        var wide = SessionConfiguration()
        wide.channelElements = 2_000
        wide.channelBytes = 1 << 20
        let pair = try Pair(.datagram, initiator: wide, acceptor: wide)
        var conditions = NetworkConditions()
        conditions.latency = .milliseconds(10)
        conditions.loss = 0.01
        conditions.bytesPerSecond = 1_000_000
        var network = NetworkModel(seed: 5, conditions: conditions)
        let sender = try pair.acceptor.core.export(.sender)
        _ = try pair.acceptor.call("take", references: [.sender(sender)])
        pair.exchange()
        for _ in 0..<1_000 { #expect(try pair.initiator.send(sender, String(repeating: "e", count: 1_000))) }
        let start = pair.now
        run(pair, &network, until: .seconds(60)) { $0.acceptor.core.statistics.elementsReceived == 1_000 }
        #expect(pair.acceptor.core.statistics.elementsReceived == 1_000)
        #expect(pair.now - start < .seconds(5), "1 s is the bandwidth's own")
        #expect(pair.initiator.core.statistics.packetsResent < 150)
    }

    @Test("HELLO is repeated until it is answered, and a lost answer is given again")
    func helloRepeated() throws {
        let pair = try Pair(.datagram, attached: false)
        try pair.attach()
        #expect(pair.initiator.packets(now: pair.now).count == 1)
        pair.pass(.milliseconds(250))
        let second = pair.initiator.packets(now: pair.now)
        #expect(second.count == 1)
        pair.acceptor.receive(second[0], now: pair.now)
        #expect(pair.acceptor.packets(now: pair.now).count == 1, "lost again")
        pair.pass(.milliseconds(600))
        pair.exchange()
        let states = [pair.initiator.core.isEstablished, pair.acceptor.core.isEstablished]
        #expect(states == [true, true])
    }

    @Test("BYE is repeated until it is answered, and who is over answers it again")
    func byeRepeated() throws {
        let pair = try Pair(.datagram)
        pair.acceptor.close(CloseReason(code: 9, "over"), now: pair.now)
        #expect(pair.acceptor.packets(now: pair.now).count == 1, "lost")
        #expect(!pair.acceptor.isFinished && !pair.acceptor.core.hasOutput)
        pair.pass(.milliseconds(250))
        let second = pair.acceptor.packets(now: pair.now)
        #expect(second.count == 1)
        pair.initiator.receive(second[0], now: pair.now)
        #expect(pair.initiator.take().failure?.message.contains("over") == true)
        #expect(!pair.initiator.isFinished)
        #expect(pair.initiator.packets(now: pair.now).count == 1, "the answer is lost too")
        #expect(pair.initiator.isFinished)
        pair.pass(.milliseconds(600))
        pair.exchange()
        #expect(pair.initiator.isFinished && pair.acceptor.isFinished)
        #expect(pair.initiator.take().isEmpty, "it ended once")
    }

    @Test("a BYE that nobody answers is given up after the time to linger")
    func byeUnanswered() throws {
        let pair = try Pair(.datagram)
        pair.acceptor.close(now: pair.now)
        var packets = 0
        for _ in 0..<400 {
            packets += pair.acceptor.packets(now: pair.now).count
            pair.now = pair.now + .milliseconds(10)
            pair.acceptor.advance(to: pair.now)
        }
        packets += pair.acceptor.packets(now: pair.now).count
        #expect(pair.acceptor.isFinished && pair.acceptor.core.nextDeadline == .distantFuture)
        #expect((3...10).contains(packets), "ever more slowly")
    }

    @Test("who missed BYE altogether hears it with the next packet it sends, and neither side goes on talking")
    func byeAgain() throws {
        let pair = try Pair(.datagram)
        pair.acceptor.close(CloseReason(code: 9, "over"), now: pair.now)
        for _ in 0..<400 {
            _ = pair.acceptor.packets(now: pair.now)
            pair.now = pair.now + .milliseconds(10)
            pair.acceptor.advance(to: pair.now)
        }
        _ = pair.acceptor.packets(now: pair.now)
        #expect(pair.acceptor.isFinished)
        _ = try pair.initiator.call("n")
        pair.exchange()
        #expect(pair.initiator.take().failure?.message.contains("over") == true)
        #expect(pair.initiator.isFinished && pair.acceptor.isFinished)
    }

    @Test("both sides may say BYE at once")
    func byeAtOnce() throws {
        let pair = try Pair(.datagram)
        pair.initiator.close(now: pair.now)
        pair.acceptor.close(now: pair.now)
        let (one, other) = (pair.initiator.packets(now: pair.now), pair.acceptor.packets(now: pair.now))
        #expect(one.count == 1 && other.count == 1)
        for packet in one { pair.acceptor.receive(packet, now: pair.now) }
        for packet in other { pair.initiator.receive(packet, now: pair.now) }
        pair.exchange()
        #expect(pair.initiator.isFinished && pair.acceptor.isFinished)
    }

    /// Who missed every BYE finds out when silence makes it ask for a sign of life.
    @Test("over radio a session ends within seconds on both sides, whatever is lost", arguments: 0..<40 as Range<UInt64>)
    func byeOverRadio(seed: UInt64) throws {
        let pair = try Pair(.datagram)
        var conditions = NetworkConditions.radio
        conditions.loss = 0.3
        var network = NetworkModel(seed: seed, conditions: conditions)
        _ = try pair.initiator.call("n")
        let start = pair.now
        var isClosed = false
        run(pair, &network, until: .seconds(30)) { pair in
            if !isClosed {
                isClosed = true
                (seed % 2 == 0 ? pair.initiator : pair.acceptor).close(now: pair.now)
                if seed % 5 == 0 { (seed % 2 == 0 ? pair.acceptor : pair.initiator).close(now: pair.now) }
            }
            return pair.initiator.isFinished && pair.acceptor.isFinished
        }
        #expect(pair.initiator.isFinished && pair.acceptor.isFinished)
        #expect(pair.now - start <= SessionLimits.closeLinger + .seconds(10))
        #expect(pair.initiator.core.statistics.packetsSent + pair.acceptor.core.statistics.packetsSent < 60, "nobody goes on talking")
    }
}

@Suite("Network model")
struct NetworkModelTests {
    @Test("the same seed gives the same fates, another one others")
    func deterministic() {
        func fates(_ seed: UInt64) -> [NetworkModel.Fate] {
            var network = NetworkModel(seed: seed, conditions: .radio)
            return (0..<500).map { network.send(100, on: .toAcceptor, delivery: .lossy, now: Moment(nanoseconds: Int64($0) * 1_000_000)) }
        }
        #expect(fates(1) == fates(1) && fates(1) != fates(2))
    }

    @Test("faults come about as often as the conditions say")
    func rates() {
        var network = NetworkModel(seed: 1, conditions: .radio)
        for index in 0..<20_000 { _ = network.send(100, on: .toAcceptor, delivery: .lossy, now: Moment(nanoseconds: Int64(index))) }
        #expect((900...1_100).contains(network.faults.lost))
        #expect((300...460).contains(network.faults.doubled))
        #expect((850...1_050).contains(network.faults.reordered))
        #expect((130...250).contains(network.faults.damaged))
    }

    @Test("an ordered path keeps order, loses nothing and waits out partitions")
    func ordered() {
        var network = NetworkModel(seed: 1, conditions: .radio)
        network.partition(.toAcceptor, until: Moment(nanoseconds: 500_000_000))
        var last = Moment.zero
        for index in 0..<1_000 {
            let fate = network.send(100, on: .toAcceptor, delivery: .ordered, now: Moment(nanoseconds: Int64(index) * 1_000_000))
            #expect(fate.arrival! >= last && fate.duplicate == nil && !fate.isDamaged)
            if index < 500 { #expect(fate.arrival! >= Moment(nanoseconds: 500_000_000)) }
            last = fate.arrival!
        }
        let other = network.send(100, on: .toInitiator, delivery: .ordered, now: .zero)
        #expect(other.arrival! < Moment(nanoseconds: 500_000_000), "the partition is of one direction")
    }

    @Test("bandwidth delays what is sent faster than it")
    func bandwidth() {
        var conditions = NetworkConditions()
        conditions.bytesPerSecond = 1_000
        var network = NetworkModel(seed: 1, conditions: conditions)
        let arrivals = (0..<3).map { _ in network.send(500, on: .toAcceptor, delivery: .lossy, now: .zero).arrival! }
        #expect(arrivals == [501, 1_001, 1_501].map { Moment(nanoseconds: $0 * 1_000_000) })
        #expect(network.faults.throttled == 2)
    }

    @Test("damage changes every packet")
    func damage() {
        var network = NetworkModel(seed: 1, conditions: .radio)
        for count in 1..<200 {
            let packet = [UInt8](repeating: 0xA5, count: count)
            var copy = packet
            network.damage(&copy)
            #expect(copy != packet || count > 0 && copy.count == packet.count, "two changes may undo each other, the checksum is the judge")
        }
    }
}
