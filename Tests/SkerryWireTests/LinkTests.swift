import Dispatch
import Glibc
import SkerrySession
import SkerryWire
import Synchronization
import Testing

/// What every link does, whatever carries it.
@Suite struct LinkTests {
    /// Long forms of tests behind an environment variable.
    static let isSoak = getenv("SKERRY_SOAK") != nil

    @Test("Y-11: packets of all sizes arrive whole, unchanged and in order, both ways", arguments: LinkKind.all)
    func packetsArrive(_ kind: LinkKind) async throws {
        try await withHouse(kind) { house in
            let (left, right) = try await house.connect()
            let sizes = [0, 1, 3, 4, 5, 125, 126, 127, 128, 1000, 4095, 32_768, 65_535, 65_536, 65_537, 300_000, 1_048_576, 0, 7]
            let there = sizes.enumerated().map { Packets.packet($1, seed: UInt64($0), left.traits.encoding) }
            let back = sizes.reversed().enumerated().map { Packets.packet($1, seed: UInt64(100 + $0), left.traits.encoding) }
            let (one, other) = (Probe.driving(left), Probe.driving(right))
            one.send(there)
            other.send(back)
            await one.waitForPackets(back.count)
            await other.waitForPackets(there.count)
            #expect(other.received == there)
            #expect(one.received == back)
            #expect(one.overlaps == 0 && other.overlaps == 0)
        }
    }

    @Test("What was sent before the other side started waits for it", arguments: LinkKind.all)
    func earlyPackets(_ kind: LinkKind) async throws {
        try await withHouse(kind) { house in
            let (left, right) = try await house.connect()
            let one = Probe.driving(left)
            let packets = (0..<50).map(Packets.numbered)
            one.send(packets)
            await one.wait { $0.pulledBytes == packets.joined().count }
            let other = Probe.driving(right)
            await other.waitForPackets(packets.count)
            #expect(other.received == packets)
        }
    }

    @Test("Answers to one read leave together, and small packets make round trips by the thousand", arguments: LinkKind.all)
    func roundTrips(_ kind: LinkKind) async throws {
        let count = Self.isSoak ? 500_000 : 20_000
        let window = 256
        try await withHouse(kind) { house in
            let (left, right) = try await house.connect()
            let one = Probe()
            let other = Probe()
            one.forgetsPackets()
            other.forgetsPackets()
            let given = Atomic(window)
            one.answers { packet in given.wrappingAdd(1, ordering: .relaxed).newValue <= count ? packet : nil }
            other.answers { $0 }
            one.drive(left)
            other.drive(right)
            one.send((0..<window).map(Packets.numbered))
            await one.waitForPackets(count)
            #expect(one.receivedCount == count)
            #expect(other.receivedCount == count)
            // A bundle an answer would be a write an answer.
            #expect(one.bundles < count / 2)
        }
    }

    @Test("A side that does not take packets stops the other from giving more", arguments: LinkKind.all)
    func backPressure(_ kind: LinkKind) async throws {
        let packet = 64 * 1024
        let count = 512
        // The kernel's buffers of both sockets and ours; without back-pressure all 32 MiB would be pulled.
        let bound = 24 * 1024 * 1024
        // Its own threads, since one of them is blocked.
        let loops = WireLoops(count: 2)
        try await withHouse(kind, loops: loops) { house in
            let (left, right) = try await house.connect()
            let one = Probe()
            let other = Probe()
            other.forgetsPackets()
            let pulledMeanwhile = Mutex(0)
            other.hook { number in
                guard number == 1 else { return }
                // Blocks the loop until the other side stands still. A side that is slow looks the same, so this never fails without a reason.
                var before = -1
                while before != one.pulledBytes {
                    before = one.pulledBytes
                    usleep(100_000)
                }
                pulledMeanwhile.withLock { $0 = before }
            }
            one.drive(left)
            other.drive(right)
            let bytes = Packets.packet(packet, seed: 1, left.traits.encoding)
            one.send((0..<count).map { _ in bytes })
            await other.waitForPackets(count)
            #expect(pulledMeanwhile.withLock { $0 } <= bound)
            #expect(pulledMeanwhile.withLock { $0 } > 0)
        }
        await loops.shutdown()
    }

    @Test("Wake-ups from many threads lose nothing, and each thread's packets stay in order", arguments: LinkKind.all)
    func wakeFromThreads(_ kind: LinkKind) async throws {
        let threads = 8
        let each = 500
        try await withHouse(kind) { house in
            let (left, right) = try await house.connect()
            let (one, other) = (Probe.driving(left), Probe.driving(right))
            await onThreads(threads) { thread in
                for number in 0..<each { one.send([Array("\(thread) \(number)".utf8)]) }
            }
            await other.waitForPackets(threads * each)
            let received = other.received.map { String(decoding: $0, as: UTF8.self).split(separator: " ").compactMap { Int($0) } }
            for thread in 0..<threads {
                #expect(received.filter { $0[0] == thread }.map { $0[1] } == Array(0..<each))
            }
            #expect(one.overlaps == 0 && other.overlaps == 0)
        }
    }

    @Test(
        "A driver that gathers is waited for once, and what it has leaves even when it never has enough",
        arguments: LinkKind.all.filter(\.hasSocket))
    func gathering(_ kind: LinkKind) async throws {
        try await withHouse(kind) { house in
            let (left, right) = try await house.connect()
            let (one, other) = (Probe.driving(left), Probe.driving(right))
            one.send([Packets.numbered(0)])
            await other.waitForPackets(1)
            one.gathers()
            await onThreads(1) { _ in one.send([Packets.numbered(1)]) }
            await other.waitForPackets(2)
            #expect(one.gatherings == 1)
            await onThreads(1) { _ in one.send([Packets.numbered(2)]) }
            await other.waitForPackets(3)
            #expect(one.gatherings == 1)
            #expect(one.overlaps == 0)
            // Anybody may give way at any time.
            left.giveWay()
        }
    }

    @Test("Closing sends what the driver still has, and both sides hear of a polite end once", arguments: LinkKind.all)
    func closeDelivers(_ kind: LinkKind) async throws {
        try await withHouse(kind) { house in
            let (left, right) = try await house.connect()
            let (one, other) = (Probe.driving(left), Probe.driving(right))
            let packets = (0..<200).map { Packets.packet(5_000, seed: UInt64($0), left.traits.encoding) }
            one.send(packets)
            left.close()
            left.close()
            #expect(await other.ending() == nil)
            #expect(await one.ending() == nil)
            #expect(other.received == packets)
            right.close()
            left.cut()
            right.cut()
            left.wake()
            try await flush(house)
            #expect(one.endings.count == 1 && other.endings.count == 1)
        }
    }

    @Test("Both sides may close at the same time", arguments: LinkKind.all)
    func simultaneousClose(_ kind: LinkKind) async throws {
        try await withHouse(kind) { house in
            for round in 0..<20 {
                let (left, right) = try await house.connect()
                let (one, other) = (Probe.driving(left), Probe.driving(right))
                one.send([Packets.numbered(round)])
                other.send([Packets.numbered(round)])
                await onThreads(2) { $0 == 0 ? left.close() : right.close() }
                let endings = [await one.ending(), await other.ending()]
                #expect(endings == [nil, nil])
            }
        }
    }

    @Test("A cut link is over for both sides, once, and the other side knows that it was no goodbye", arguments: LinkKind.all)
    func cut(_ kind: LinkKind) async throws {
        try await withHouse(kind) { house in
            let (left, right) = try await house.connect()
            let (one, other) = (Probe.driving(left), Probe.driving(right))
            one.send([Packets.numbered(1)])
            other.send([Packets.numbered(2)])
            await one.waitForPackets(1)
            await other.waitForPackets(1)
            left.cut()
            left.cut()
            #expect(await one.ending()?.code == .cut)
            let end = await other.ending()
            #expect(end?.code == .reset || end?.code == .truncated)
            #expect(end?.isRetryable == true)
            right.cut()
            right.close()
            try await flush(house)
            #expect(one.endings.count == 1 && other.endings.count == 1)
        }
    }

    @Test("A link can be closed and cut before it is started, and from inside its driver", arguments: LinkKind.all)
    func closedBeforeStart(_ kind: LinkKind) async throws {
        try await withHouse(kind) { house in
            let (left, right) = try await house.connect()
            let other = Probe.driving(right)
            left.cut()
            _ = await other.ending()
            #expect(other.endings.count == 1)
            let one = Probe.driving(left)
            #expect(await one.ending()?.code == .cut)

            let (third, fourth) = try await house.connect()
            let closing = Probe()
            closing.hook { _ in third.close() }
            closing.drive(third)
            let fourthProbe = Probe.driving(fourth)
            fourthProbe.send((0..<100).map(Packets.numbered))
            #expect(await closing.ending() == nil)
            #expect(await fourthProbe.ending() == nil)
            #expect(closing.receivedCount == 1)
        }
    }

    @Test("A packet that is larger than the link carries breaks it on the side that gave it", arguments: LinkKind.all)
    func oversizedDriver(_ kind: LinkKind) async throws {
        var limits = LinkLimits.patient
        limits.packetMaximum = 1000
        try await withHouse(kind, limits: limits) { house in
            let (left, right) = try await house.connect()
            #expect(left.traits.packetMaximum == 1000)
            let (one, other) = (Probe.driving(left), Probe.driving(right))
            one.send([Packets.packet(1000, seed: 1, left.traits.encoding), Packets.packet(1001, seed: 2, left.traits.encoding)])
            #expect(await one.ending()?.code == .packetTooLarge)
            #expect(await other.ending() != nil)
            #expect([[], [1000]].contains(other.received.map(\.count)))
        }
    }

    @Test("Links break when the other side goes down, and new ones stand when it is up again", arguments: LinkKind.all)
    func restart(_ kind: LinkKind) async throws {
        try await withHouse(kind) { house in
            for round in 0..<3 {
                let (left, right) = try await house.connect()
                let (one, other) = (Probe.driving(left), Probe.driving(right))
                one.send([Packets.numbered(round)])
                await other.waitForPackets(1)
                #expect(other.received == [Packets.numbered(round)])
                try await house.restart()
                _ = await one.ending()
                _ = await other.ending()
                #expect(one.endings.count == 1 && other.endings.count == 1)
            }
        }
    }

    /// Another link of the same kind has carried a packet both ways: what was to happen on the loops has happened.
    private func flush(_ house: any LinkHouse) async throws {
        for _ in 0..<4 {
            let (left, right) = try await house.connect()
            let (one, other) = (Probe(), Probe.driving(right))
            other.answers { $0 }
            one.drive(left)
            one.send([[1]])
            await one.waitForPackets(1)
        }
    }
}

/// Runs `body` on so many threads at once.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            DispatchQueue.concurrentPerform(iterations: count, execute: body)
            continuation.resume()
        }
    }
}
