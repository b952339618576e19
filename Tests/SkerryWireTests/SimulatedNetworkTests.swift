import SkerrySession
import Synchronization
import Testing

@testable import SkerryWire

/// Y-15: the network that loses and doubles, and what can still be built on it.
@Suite struct SimulatedNetworkTests {
    private static func conditions(_ change: (inout NetworkConditions) -> Void) -> NetworkConditions {
        var conditions = NetworkConditions()
        change(&conditions)
        return conditions
    }

    /// Sends numbered packets over a lossy link and returns what came, with the time it took.
    private static func run(seed: UInt64, _ conditions: NetworkConditions, count: Int = 500) -> (
        received: [[UInt8]], faults: NetworkModel.Faults
    ) {
        let stepper = LinkStepper()
        let network = SimulatedNetwork(seed: seed, conditions: conditions, on: stepper)
        let (left, right) = network.pair(delivery: .lossy)
        let (one, other) = (Probe(), Probe())
        one.drive(left)
        other.drive(right)
        for number in 0..<count {
            one.send([Packets.numbered(number)])
            stepper.run(until: stepper.now + .milliseconds(1))
        }
        stepper.run(until: stepper.now + .seconds(10))
        return (other.received, network.faults)
    }

    @Test("a packet that arrives while a link is being started stays behind those that waited for the start")
    func startAmidArrivals() {
        var conditions = NetworkConditions()
        conditions.latency = .zero
        let stepper = LinkStepper()
        let network = SimulatedNetwork(seed: 1, conditions: conditions, on: stepper)
        let (left, right) = network.pair()
        let (one, other) = (Probe(), Probe())
        one.drive(left)
        one.send([Packets.numbered(0)])
        stepper.runUntilIdle()
        // The pull stands before the start on the loop, so the packet arrives before the start has taken what waits.
        one.send([Packets.numbered(1)])
        other.drive(right)
        stepper.runUntilIdle()
        #expect(other.received == [Packets.numbered(0), Packets.numbered(1)])
    }

    @Test(
        "Y-15: the same seed gives the same losses, copies, damages and order; another seed gives others",
        arguments: 1...5 as ClosedRange<UInt64>)
    func deterministic(_ seed: UInt64) {
        let first = Self.run(seed: seed, .radio)
        let second = Self.run(seed: seed, .radio)
        #expect(first.received == second.received)
        #expect(first.faults == second.faults)
        #expect(Self.run(seed: seed + 100, .radio).received != first.received)
    }

    @Test("Y-15: each fault happens when it is asked for, and only then")
    func faults() {
        let sent = (0..<500).map(Packets.numbered)
        let clean = Self.run(seed: 1, Self.conditions { _ in })
        #expect(clean.received == sent)
        #expect(clean.faults == NetworkModel(seed: 1, conditions: .local).faults)
        let lossy = Self.run(seed: 1, Self.conditions { $0.loss = 0.3 })
        #expect(lossy.received.count == 500 - lossy.faults.lost && lossy.faults.lost > 100)
        let doubled = Self.run(seed: 1, Self.conditions { $0.duplication = 0.3 })
        #expect(doubled.received.count == 500 + doubled.faults.doubled && doubled.faults.doubled > 100)
        #expect(Set(doubled.received) == Set(sent))
        let damaged = Self.run(seed: 1, Self.conditions { $0.corruption = 0.3 })
        #expect(damaged.received.count == 500 && damaged.received != sent)
        #expect(damaged.faults.damaged > 100)
        #expect(zip(damaged.received, sent).filter { $0 != $1 }.count <= damaged.faults.damaged)
        let shuffled = Self.run(seed: 1, Self.conditions { $0.reordering = 0.3 })
        #expect(shuffled.received != sent && Set(shuffled.received) == Set(sent) && shuffled.received.count == 500)
    }

    /// Stop and wait with numbers, resends and a check sum: the least that makes a lossy link whole.
    ///
    /// A packet is {check, number, payload}; the answer is {check, number}.
    private final class StopAndWait: LinkDriver {
        private struct State {
            var unsent: [[UInt8]]
            var number: UInt8 = 0
            var isDue = true
            var expected: UInt8 = 0
            var acknowledgements: [UInt8] = []
            var delivered: [[UInt8]] = []
        }

        private let state: Mutex<State>

        init(_ payloads: [[UInt8]] = []) { state = Mutex(State(unsent: payloads)) }

        var isDone: Bool { state.withLock { $0.unsent.isEmpty } }
        var delivered: [[UInt8]] { state.withLock { $0.delivered } }
        func resend() { state.withLock { $0.isDue = true } }

        private static func sealed(_ kind: UInt8, _ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
            let body = [kind, number] + payload
            var check: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in body { check = (check ^ UInt64(byte)) &* 0x100_0000_01B3 }
            return withUnsafeBytes(of: check) { Array($0) } + body
        }

        func received(_ packet: UnsafeRawBufferPointer) {
            let bytes = Array(packet)
            guard bytes.count >= 10, Self.sealed(bytes[8], bytes[9], Array(bytes[10...])) == bytes else { return }
            state.withLock { state in
                if bytes[8] == 0 {
                    if bytes[9] == state.expected {
                        state.delivered.append(Array(bytes[10...]))
                        state.expected &+= 1
                    }
                    state.acknowledgements.append(bytes[9])
                } else if bytes[9] == state.number, !state.unsent.isEmpty {
                    state.unsent.removeFirst()
                    state.number &+= 1
                    state.isDue = true
                }
            }
        }

        func readCompleted() {}

        func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
            state.withLock { state in
                if !state.acknowledgements.isEmpty {
                    packet += Self.sealed(1, state.acknowledgements.removeFirst(), [])
                    return true
                }
                guard state.isDue, let payload = state.unsent.first else { return false }
                state.isDue = false
                packet += Self.sealed(0, state.number, payload)
                return true
            }
        }

        func linkClosed(_ error: LinkError?) {}
    }

    @Test("Y-15: acknowledging, resending and dropping doubles make a bad radio link whole", arguments: 0..<20 as Range<UInt64>)
    func reliability(_ seed: UInt64) {
        let stepper = LinkStepper()
        let network = SimulatedNetwork(seed: seed, conditions: .radio, on: stepper)
        let (left, right) = network.pair(delivery: .lossy)
        #expect(left.traits.delivery == .lossy && left.traits.packetMaximum <= 1500)
        let payloads = (0..<300).map(Packets.numbered)
        let (one, other) = (StopAndWait(payloads), StopAndWait())
        left.start(one)
        right.start(other)
        var rounds = 0
        while !one.isDone, rounds < 10_000 {
            stepper.run(until: stepper.now + .milliseconds(300))
            one.resend()
            left.wake()
            rounds += 1
        }
        #expect(other.delivered == payloads)
        #expect(network.faults.lost > 0 && network.faults.doubled > 0 && network.faults.damaged > 0)
    }

    @Test("Latency and bandwidth set the time a packet takes")
    func time() {
        let stepper = LinkStepper()
        let network = SimulatedNetwork(
            seed: 1,
            conditions: Self.conditions {
                $0.latency = .milliseconds(40)
                $0.bytesPerSecond = 1_000_000
            }, on: stepper)
        let (left, right) = network.pair()
        let (one, other) = (Probe(), Probe())
        one.drive(left)
        other.drive(right)
        stepper.runUntilIdle()
        one.send((0..<10).map { _ in [UInt8](repeating: 1, count: 10_000) })
        stepper.run(until: Moment.zero + .milliseconds(49))
        #expect(other.receivedCount == 0)
        stepper.run(until: Moment.zero + .milliseconds(51))
        #expect(other.receivedCount == 1)
        stepper.run(until: Moment.zero + .milliseconds(139))
        #expect(other.receivedCount == 9)
        stepper.run(until: Moment.zero + .milliseconds(141))
        #expect(other.receivedCount == 10)
    }

    @Test(
        "A partition holds back one direction of an ordered link and loses it on a lossy one",
        arguments: [LinkTraits.Delivery.ordered, .lossy])
    func partition(_ delivery: LinkTraits.Delivery) {
        let stepper = LinkStepper()
        let network = SimulatedNetwork(seed: 1, conditions: .local, on: stepper)
        let (left, right) = network.pair(delivery: delivery)
        let (one, other) = (Probe(), Probe())
        one.drive(left)
        other.drive(right)
        network.partition(.toAcceptor, for: .seconds(1))
        one.send([[1]])
        other.send([[2]])
        stepper.run(until: Moment.zero + .milliseconds(900))
        #expect(other.received == [])
        #expect(one.received == [[2]])
        stepper.run(until: Moment.zero + .milliseconds(1100))
        #expect(other.received == (delivery == .ordered ? [[1]] : []))
        network.heal()
        one.send([[3]])
        stepper.run(until: Moment.zero + .milliseconds(1200))
        #expect(other.received.last == [3])
    }

    @Test("A cut is heard by whom it is said to be, and the other side's packets lead nowhere", arguments: NetworkModel.Notice.allCases)
    func cut(_ notice: NetworkModel.Notice) {
        let stepper = LinkStepper()
        let network = SimulatedNetwork(seed: 1, conditions: .local, on: stepper)
        let (left, right) = network.pair()
        let (one, other) = (Probe(), Probe())
        one.drive(left)
        other.drive(right)
        one.send([[1]])
        stepper.runUntilIdle()
        network.cut(noticedBy: notice)
        stepper.runUntilIdle()
        #expect(one.endings.map { $0?.code } == (notice == .acceptor ? [] : [.reset]))
        #expect(other.endings.map { $0?.code } == (notice == .initiator ? [] : [.reset]))
        let packet = [UInt8](repeating: 1, count: 10_000)
        let silent = notice == .initiator ? other : one
        silent.send((0..<100).map { _ in packet })
        stepper.runUntilIdle()
        // As a socket would, it takes what its buffers hold.
        #expect(silent.pulledBytes < 300_000)
        #expect(one.received == [] && other.received == [[1]])
        // Whoever did not hear gives up by itself.
        (notice == .initiator ? right : left).cut()
        stepper.runUntilIdle()
        #expect(one.endings.count + other.endings.count == 2)
        // The next link is as good as new.
        let (third, fourth) = network.pair()
        let (three, four) = (Probe(), Probe())
        three.drive(third)
        four.drive(fourth)
        three.send([[3]])
        stepper.runUntilIdle()
        #expect(four.received == [[3]])
    }

    @Test("Disturbances come from the seed, and a restart is told to who runs the process", arguments: 0..<10 as Range<UInt64>)
    func disturbances(_ seed: UInt64) {
        func run() -> ([NetworkModel.Path], NetworkModel.Faults) {
            let stepper = LinkStepper()
            let restarts = Mutex<[NetworkModel.Path]>([])
            let network = SimulatedNetwork(
                seed: seed,
                conditions: Self.conditions {
                    $0.disturbanceInterval = .seconds(1)
                    $0.disturbances = [.cut, .partition, .restart]
                }, on: stepper, restarted: { path in restarts.withLock { $0.append(path) } })
            var ended = 0
            for _ in 0..<20 {
                let (left, right) = network.pair()
                let (one, other) = (Probe(), Probe())
                one.drive(left)
                other.drive(right)
                stepper.run(until: stepper.now + .seconds(3))
                ended += one.endings.count + other.endings.count
            }
            #expect(ended > 0)
            return (restarts.withLock { $0 }, network.faults)
        }
        let (restarts, faults) = run()
        #expect(restarts.count == faults.restarts)
        #expect(faults.cuts + faults.partitions + faults.restarts >= 20)
        #expect(run() == (restarts, faults))
    }
}
