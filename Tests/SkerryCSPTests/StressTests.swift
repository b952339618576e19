import SkerryCSP
import Testing

/// Real threads: every element that was sent comes out once, whatever else goes on.
@Suite struct StressTests {
    @Test(
        "many senders and receivers lose and double nothing",
        arguments: [.rendezvous, .buffer(1), .buffer(64), .unbounded] as [ChannelCapacity])
    func manyToMany(capacity: ChannelCapacity) async throws {
        let (sender, receiver) = Channel<Int>(capacity).halves
        let count = isSoaking ? 500_000 : 10_000
        let seen = try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var all: [Int] = []
                    for try await element in receiver { all.append(element) }
                    return all
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { senders in
                for producer in 0..<4 {
                    senders.addTask {
                        for number in 0..<count { try await sender.send(number * 4 + producer) }
                    }
                }
                try await senders.waitForAll()
            }
            sender.close()
            var seen: [[Int]] = []
            for try await all in group { seen.append(all) }
            return seen
        }
        // Each receiver sees the elements of one sender in the order they were sent.
        for all in seen {
            for producer in 0..<4 {
                let own = all.filter { $0 % 4 == producer }
                #expect(zip(own, own.dropFirst()).allSatisfy { $0 < $1 })
            }
        }
        #expect(seen.joined().sorted() == Array(0..<4 * count))
    }

    @Test("selects on many threads lose and double nothing", arguments: [.rendezvous, .buffer(2), .buffer(64)] as [ChannelCapacity])
    func selects(capacity: ChannelCapacity) async throws {
        let rounds = isSoaking ? 1_000_000 : 20_000
        let channels = (0..<2).map { _ in Channel<Int>(capacity) }
        let timers = ClockTimers(clock: ContinuousClock())
        let seen = try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var all: [Int] = []
                    var isOpen = true
                    while isOpen {
                        try await select {
                            channels[0].receiver.on { if let element = $0 { all.append(element) } else { isOpen = false } }
                            channels[1].receiver.on { if let element = $0 { all.append(element) } else { isOpen = false } }
                            after(.seconds(3_600), on: timers) {}
                        }
                    }
                    return all
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { senders in
                for producer in 0..<2 {
                    senders.addTask {
                        for number in 0..<rounds / 2 {
                            let element = number * 2 + producer
                            try await select {
                                channels[0].sender.onSend(element) {}
                                channels[1].sender.onSend(element) {}
                            }
                        }
                    }
                }
                try await senders.waitForAll()
            }
            for channel in channels { channel.sender.close() }
            var seen: [Int] = []
            for try await all in group { seen += all }
            return seen
        }
        // A select ends with the first closed channel; the other may hold a rest.
        var all = seen
        for channel in channels {
            while case .element(let element) = channel.receiver.tryReceive() { all.append(element) }
        }
        #expect(all.sorted() == Array(0..<rounds / 2 * 2))
    }

    @Test("cancelled sends and receives on many threads lose and double nothing", arguments: seeds(40, soak: 4_000))
    func cancellation(seed: Int) async throws {
        let capacity: ChannelCapacity = [.rendezvous, .buffer(1), .buffer(4)][seed % 3]
        let (sender, receiver) = Channel<Int>(capacity).halves
        let sent = Locked<[Int]>([])
        let received = Locked<[Int]>([])
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<6 {
                group.addTask {
                    await withTaskGroup(of: Void.self) { inner in
                        inner.addTask {
                            for number in 0..<100_000 {
                                do {
                                    try await sender.send(task * 100_000 + number)
                                    sent.withLock { $0.append(task * 100_000 + number) }
                                } catch { return }
                            }
                        }
                        inner.addTask {
                            while let element = try? await receiver.receive() { received.withLock { $0.append(element) } }
                        }
                        for _ in 0..<(seed * 7 + task * 13) % 60 { await Task.yield() }
                        inner.cancelAll()
                        // A task that need not wait does not look at cancellation; the end of the channel ends it.
                        for _ in 0..<20 { await Task.yield() }
                        if task == 5 { sender.close() }
                    }
                }
            }
            for _ in 0..<300 { await Task.yield() }
            sender.close()
        }
        while case .element(let element) = receiver.tryReceive() { received.withLock { $0.append(element) } }
        #expect(sent.withLock { $0.sorted() } == received.withLock { $0.sorted() }, "seed \(seed)")
    }

    @Test("closing while others send and receive tells everyone, and what was sent comes", arguments: seeds(100, soak: 5_000))
    func closing(seed: Int) async throws {
        let (sender, receiver) = Channel<Int>(seed % 2 == 0 ? .rendezvous : .buffer(3)).halves
        let (sent, received) = await withTaskGroup(of: (Int, Int).self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var count = 0
                    while (try? await sender.send(1)) != nil { count += 1 }
                    return (count, 0)
                }
                group.addTask {
                    var count = 0
                    while (try? await receiver.receive()) != nil { count += 1 }
                    return (0, count)
                }
            }
            for _ in 0..<seed % 30 { await Task.yield() }
            receiver.close()
            return await group.reduce(into: (0, 0)) { sum, part in sum = (sum.0 + part.0, sum.1 + part.1) }
        }
        #expect(sent == received)
    }
}
