import Testing

@testable import SkerryCSP

@Suite struct SelectTests {
    @Test("exactly one arm goes through, and nothing is taken from the others")
    func exactlyOne() throws {
        let simulation = Simulation(seed: 1)
        let (left, right) = (Channel<Int>(.buffer(4)), Channel<Int>(.buffer(4)))
        #expect(try left.sender.trySend(contentsOf: [1, 2]) == 2)
        #expect(try right.sender.trySend(contentsOf: [3, 4]) == 2)
        let chosen = simulation.spawn {
            try await select {
                left.receiver.on { $0 }
                right.receiver.on { $0 }
            }
        }
        simulation.run()
        let element = try chosen.value
        #expect(element == 1 || element == 3)
        #expect(left.receiver.count + right.receiver.count == 3)
    }

    @Test("bodies may await, whether the select had to wait or not")
    func awaitingBodies() throws {
        let simulation = Simulation(seed: 1)
        let (numbers, results) = (Channel<Int>(.buffer(2)), Channel<Int>(.rendezvous))
        let task = simulation.spawn {
            for _ in 0..<2 {
                try await select {
                    numbers.receiver.on { number in try await results.sender.send(number! * 2) }
                    results.sender.onSend(-1) { try await results.sender.send(-2) }
                }
            }
        }
        #expect(try numbers.sender.trySend(1))
        simulation.run()
        #expect(results.receiver.tryReceive() == .element(2))
        simulation.run()
        #expect(results.receiver.tryReceive() == .element(-1))
        simulation.run()
        #expect(results.receiver.tryReceive() == .element(-2))
        simulation.run()
        #expect(!task.isWaiting)
    }

    @Test("in order of priority the first ready arm wins, from a given start the first from there")
    func orders() throws {
        let simulation = Simulation(seed: 1)
        let channels = (0..<3).map { _ in Channel<Int>(.buffer(16)) }
        for (index, channel) in channels.enumerated() {
            #expect(try channel.sender.trySend(contentsOf: Array(repeating: index, count: 9)) == 9)
        }
        let chosen = simulation.spawn {
            var chosen: [Int?] = []
            for order in [SelectOrder.priority, .starting(at: 0), .starting(at: 1), .starting(at: 2), .starting(at: 3), .starting(at: -1)] {
                chosen.append(
                    try await select(order) {
                        channels[0].receiver.on { $0 }
                        channels[1].receiver.on { $0 }
                        channels[2].receiver.on { $0 }
                    })
            }
            return chosen
        }
        simulation.run()
        // -1 counts as the largest unsigned number, which leaves 0 when divided by 3.
        #expect(try chosen.value == [0, 0, 1, 2, 0, 0])
    }

    @Test("a fair select takes from each of several busy channels about as often, in a sequence that replays")
    func fairness() throws {
        func sequence() throws -> [Int?] {
            let simulation = Simulation(seed: 1)
            let channels = (0..<3).map { _ in Channel<Int>(.buffer(1_000)) }
            for (index, channel) in channels.enumerated() {
                #expect(try channel.sender.trySend(contentsOf: Array(repeating: index, count: 1_000)) == 1_000)
            }
            let chosen = simulation.spawn {
                var chosen: [Int?] = []
                for _ in 0..<900 {
                    try await select {
                        channels[0].receiver.on { chosen.append($0) }
                        channels[1].receiver.on { chosen.append($0) }
                        channels[2].receiver.on { chosen.append($0) }
                    }
                }
                return chosen
            }
            simulation.run()
            return try chosen.value
        }
        let first = try sequence()
        for index in 0..<3 { #expect((240...360).contains(first.count { $0 == index })) }
        #expect(try sequence() == first)
    }

    @Test("with otherwise a select never waits")
    func polling() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(1)).halves
        let poll: @Sendable () async throws -> String = {
            try await select {
                receiver.on { "received \($0!)" }
                otherwise { "nothing" }
            }
        }
        let first = simulation.spawn(poll)
        simulation.run()
        #expect(try first.value == "nothing")
        #expect(try sender.trySend(5))
        let second = simulation.spawn(poll)
        simulation.run()
        #expect(try second.value == "received 5")
        receiver.core.checkInvariants()
    }

    @Test("a select that sends meets a select that receives, through a third that neither wins")
    func sendMeetsReceive() throws {
        let simulation = Simulation(seed: 1)
        let channel = Channel<Int>(.rendezvous)
        let idle = Channel<Int>(.rendezvous)
        let sending = simulation.spawn {
            try await select {
                channel.sender.onSend(7) { "sent" }
                idle.receiver.on { _ in "idle" }
            }
        }
        simulation.run()
        #expect(sending.isWaiting)
        let receiving = simulation.spawn {
            try await select {
                idle.receiver.on { $0 }
                channel.receiver.on { $0 }
            }
        }
        simulation.run()
        #expect(try sending.value == "sent")
        #expect(try receiving.value == 7)
        // Nobody is left in line at the channel that lost.
        #expect(try !idle.sender.trySend(1))
        idle.receiver.core.checkInvariants()
    }

    @Test("an arm behind a false condition is not there, one of two branches is")
    func conditions() throws {
        let simulation = Simulation(seed: 1)
        let (left, right) = (Channel<Int>(.buffer(1)), Channel<Int>(.buffer(1)))
        #expect(try left.sender.trySend(1))
        #expect(try right.sender.trySend(2))
        for isLeft in [true, false] {
            let chosen = simulation.spawn {
                try await select(.priority) {
                    if !isLeft, left.receiver.closeReason != nil {
                        left.receiver.on { $0 }
                    }
                    if isLeft { left.receiver.on { $0 } } else { right.receiver.on { $0 } }
                }
            }
            simulation.run()
            #expect(try chosen.value == (isLeft ? 1 : 2))
        }
    }

    @Test("arms written in a loop are as many as the loop made")
    func loops() throws {
        let simulation = Simulation(seed: 1)
        let channels = (0..<5).map { _ in Channel<Int>(.buffer(1)) }
        let chosen = simulation.spawn {
            try await select {
                for (index, channel) in channels.enumerated() { channel.receiver.on { _ in index } }
            }
        }
        simulation.run()
        #expect(chosen.isWaiting)
        #expect(try channels[3].sender.trySend(0))
        simulation.run()
        #expect(try chosen.value == 3)
    }

    @Test("a closed channel ends the select: receiving with nil or its error, sending with an error")
    func closing() throws {
        struct Failure: Error {}
        let simulation = Simulation(seed: 1)
        let (idle, channel) = (Channel<Int>(.rendezvous), Channel<Int>(.rendezvous))
        let receiving = simulation.spawn {
            try await select {
                idle.receiver.on { $0 }
                channel.receiver.on { $0 }
            }
        }
        let sending = simulation.spawn {
            try await select {
                idle.receiver.on { _ in }
                channel.sender.onSend(1) {}
            }
        }
        // One of them would take from the other; let each have a channel.
        simulation.run()
        #expect(!receiving.isWaiting && !sending.isWaiting)
        #expect(try receiving.value == 1)
        let failing = simulation.spawn {
            try await select {
                idle.receiver.on { $0 }
                channel.receiver.on { $0 }
            }
        }
        simulation.run()
        channel.sender.close(throwing: Failure())
        simulation.run()
        #expect(failing.error is Failure)
        let late = simulation.spawn {
            try await select {
                channel.sender.onSend(1) {}
                idle.receiver.on { _ in }
            }
        }
        simulation.run()
        #expect((late.error as? ChannelClosed)?.cause is Failure)
    }

    @Test("a cancelled select went through with no arm")
    func cancellation() throws {
        let simulation = Simulation(seed: 1)
        let (left, right) = (Channel<Int>(.rendezvous), Channel<Int>(.rendezvous))
        let task = simulation.spawn {
            try await select {
                left.receiver.on { _ in }
                right.sender.onSend(1) {}
            }
        }
        simulation.run()
        task.cancel()
        simulation.run()
        #expect(task.error is CancellationError)
        #expect(right.receiver.tryReceive() == .empty)
        #expect(try !left.sender.trySend(1))
        for channel in [left, right] { channel.receiver.core.checkInvariants() }
    }

    @Test("selects leave nobody behind at the channels that lost")
    func noDeadWaiters() throws {
        let simulation = Simulation(seed: 1)
        let (busy, idle) = (Channel<Int>(.rendezvous), Channel<Int>(.rendezvous))
        let consumer = simulation.spawn {
            var isOpen = true
            while isOpen {
                try await select {
                    idle.receiver.on { _ in }
                    busy.receiver.on { if $0 == nil { isOpen = false } }
                }
            }
        }
        let core = idle.receiver.core
        for number in 0..<1_000 {
            simulation.run()
            #expect(core.receivers.count == 1)
            #expect(try busy.sender.trySend(number))
            // The winner is claimed; the loser stands in line until its task runs.
        }
        busy.sender.close()
        simulation.run()
        #expect(!consumer.isWaiting)
        #expect(core.receivers.isEmpty && core.senders.isEmpty)
    }

    @Test("a select is refused when one of its channels has no place to wait, and then waits at none")
    func refusal() throws {
        let simulation = Simulation(seed: 1)
        let free = Channel<Int>(.rendezvous)
        let narrow = Channel<Int>(.rendezvous, waiterLimit: 1)
        let tasks = (0..<2).map { _ in
            defer { simulation.run() }
            return simulation.spawn {
                try await select {
                    free.receiver.on { $0 }
                    narrow.receiver.on { $0 }
                }
            }
        }
        #expect(tasks[0].isWaiting)
        #expect(tasks[1].error as? TooManyWaiters == TooManyWaiters(limit: 1))
        #expect(try free.sender.trySend(1))
        #expect(try !free.sender.trySend(2))
    }

    @Test("after() goes through when its time has come, and not when another arm was faster")
    func timeout() throws {
        let simulation = Simulation(seed: 1)
        let timers = ManualTimers()
        let (sender, receiver) = Channel<Int>(.buffer(1)).halves
        let wait: @Sendable () async throws -> Int? = {
            try await select {
                receiver.on { $0 }
                after(.seconds(5), on: timers) { Int?(-1) }
            }
        }
        let late = simulation.spawn(wait)
        simulation.run()
        timers.advance(by: .seconds(4.9))
        simulation.run()
        #expect(late.isWaiting)
        timers.advance(by: .seconds(0.1))
        simulation.run()
        #expect(try late.value == -1)
        #expect(timers.pendingCount == 0)
        let early = simulation.spawn(wait)
        simulation.run()
        #expect(try sender.trySend(3))
        simulation.run()
        #expect(try early.value == 3)
        #expect(timers.pendingCount == 0)
        receiver.core.checkInvariants()
    }

    /// Producers and selecting consumers over several channels, some of them cancelled, in one schedule a seed.
    @Test("no element is lost or doubled by selects in random schedules, and a seed replays", arguments: seeds(60, soak: 5_000))
    func schedules(seed: Int) throws {
        let first = try run(seed)
        #expect(try run(seed) == first)
    }

    private func run(_ seed: Int) throws -> UInt64 {
        var generator = SplitMix(seed: seed)
        let simulation = Simulation(seed: seed)
        let channels = (0..<3).map { _ in
            Channel<Int>([.rendezvous, .buffer(1), .buffer(3)].randomElement(using: &generator)!)
        }
        let taken = Locked<[Int]>([])
        let sent = Locked<Set<Int>>([])
        var producers: [Spawned<Void>] = []
        for producer in 0..<4 {
            let isSelecting = Bool.random(using: &generator)
            producers.append(
                simulation.spawn {
                    for number in 0..<25 {
                        let element = producer * 100 + number
                        if isSelecting {
                            try await select {
                                channels[0].sender.onSend(element) {}
                                channels[1].sender.onSend(element) {}
                                channels[2].receiver.on { other in if let other { taken.withLock { $0.append(other) } } }
                            }
                            // It may have received instead.
                            try await channels[2].sender.send(element + 1_000)
                            _ = sent.withLock { $0.insert(element + 1_000) }
                        } else {
                            try await channels[producer % 3].sender.send(element)
                            _ = sent.withLock { $0.insert(element) }
                        }
                        if number % 5 == 0 { await Task.yield() }
                    }
                })
        }
        let consumers = (0..<3).map { _ in
            simulation.spawn {
                while true {
                    let element: Int? = try await select {
                        channels[0].receiver.on { $0 }
                        channels[1].receiver.on { $0 }
                        channels[2].receiver.on { $0 }
                    }
                    guard let element else { return }
                    taken.withLock { $0.append(element) }
                    simulation.record(element)
                }
            }
        }
        let victim = Int.random(in: 0..<8, using: &generator)
        simulation.run(steps: Int.random(in: 10..<200, using: &generator))
        if victim < 4 { producers[victim].cancel() } else if victim < 6 { consumers[victim - 4].cancel() }
        simulation.run()
        // Consumers wait; what is left in the channels is what they would get.
        for channel in channels {
            channel.receiver.core.checkInvariants()
            channel.sender.close()
        }
        simulation.run()
        var all = taken.withLock { $0 }
        for channel in channels {
            while case .element(let element) = channel.receiver.tryReceive() { all.append(element) }
        }
        #expect(Set(all).count == all.count, "seed \(seed): an element came twice")
        #expect(sent.withLock { $0 }.subtracting(all).isEmpty, "seed \(seed): an element that was sent did not come")
        #expect((producers.map(\.isWaiting) + consumers.map(\.isWaiting)).allSatisfy { !$0 })
        return simulation.digest
    }
}
