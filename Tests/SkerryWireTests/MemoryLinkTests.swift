import SkerrySession
import Testing

@testable import SkerryWire

/// Links in memory that a test turns by hand.
@Suite struct MemoryLinkTests {
    @Test("Nothing moves until the stepper does, and then in the same order each time")
    func stepped() {
        func run() -> [Int] {
            let stepper = LinkStepper()
            let (left, right) = MemoryLink.pair(on: stepper)
            let (one, other) = (Probe(), Probe())
            one.drive(left)
            other.drive(right)
            one.send((0..<5).map(Packets.numbered))
            other.send((0..<3).map(Packets.numbered))
            #expect(one.receivedCount == 0 && other.receivedCount == 0)
            var trace: [Int] = []
            while stepper.step() { trace.append(one.receivedCount * 10 + other.receivedCount) }
            #expect(other.received == (0..<5).map(Packets.numbered))
            #expect(one.received == (0..<3).map(Packets.numbered))
            return trace
        }
        #expect(run() == run())
        #expect(!run().isEmpty)
    }

    @Test("Two sides that answer each other for ever take turns and do not call ever deeper")
    func pingPong() {
        let stepper = LinkStepper()
        let (left, right) = MemoryLink.pair(on: stepper)
        let (one, other) = (Probe(), Probe())
        one.answers { $0 }
        other.answers { $0 }
        one.forgetsPackets()
        other.forgetsPackets()
        one.drive(left)
        other.drive(right)
        one.send([[1]])
        #expect(!stepper.runUntilIdle(jobMaximum: 200_000))
        #expect(one.receivedCount > 10_000)
        #expect(one.overlaps == 0 && other.overlaps == 0)
    }

    @Test("A side that was never started holds no more than the capacity, and closing it in time is polite")
    func neverStarted() {
        var limits = LinkLimits()
        limits.close = .seconds(5)
        let stepper = LinkStepper()
        let (left, right) = MemoryLink.pair(limits: limits, on: stepper)
        let one = Probe()
        one.drive(left)
        let packet = [UInt8](repeating: 1, count: 1000)
        one.send((0..<1000).map { _ in packet })
        stepper.runUntilIdle()
        #expect(one.pulledBytes <= 257 * 1024)
        left.close()
        stepper.run(until: Moment.zero + .seconds(4))
        #expect(one.endings.isEmpty)
        stepper.run(until: Moment.zero + .seconds(6))
        #expect(one.endings.map { $0?.code } == [.timedOut])
        let other = Probe()
        other.drive(right)
        stepper.runUntilIdle()
        #expect(other.endings.map { $0?.code } == [.reset])
    }

    @Test("A listener in memory counts, bounds and stops")
    func listener() async throws {
        var limits = LinkLimits()
        limits.links = 1
        let listener = MemoryListener(limits: limits)
        let early = await #expect(throws: LinkError.self) { try await listener.connector.connect() }
        #expect(early?.code == .refused)
        let accepted = Accepted()
        try await listener.start { accepted.add($0) }
        let link = try await listener.connector.connect()
        let (one, two) = (Probe.driving(link), Probe.driving(await accepted.next()))
        let full = await #expect(throws: LinkError.self) { try await listener.connector.connect() }
        #expect(full?.code == .refused)
        #expect(listener.statistics.openLinks == 1)
        #expect(listener.statistics.refusedConnections == 1)
        link.cut()
        #expect(await one.ending()?.code == .cut)
        #expect(await two.ending()?.code == .reset)
        await listener.shutdown(within: .seconds(60))
        #expect(listener.statistics.openLinks == 0)
    }

    @Test("Jobs come in the order of their time and of their giving, as a sorted list would have them", arguments: 0..<50 as Range<UInt64>)
    func timeQueue(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = TimeQueue<Int>()
        var reference: [(time: Moment, value: Int)] = []
        var taken: [Int] = []
        var expected: [Int] = []
        for number in 0..<400 {
            if generator.chance(0.6) {
                let time = Moment(nanoseconds: Int64(generator.below(20)))
                queue.insert(number, at: time)
                let index = reference.firstIndex { $0.time > time } ?? reference.count
                reference.insert((time, number), at: index)
            } else if let entry = queue.popFirst() {
                taken.append(entry.value)
                expected.append(reference.removeFirst().value)
            }
        }
        while let entry = queue.popFirst() { taken.append(entry.value) }
        #expect(taken == expected + reference.map(\.value))
    }
}
