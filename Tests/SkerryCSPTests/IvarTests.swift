import SkerryCSP
import Testing

@Suite struct IvarTests {
    @Test("B-07: a cell is filled once and read by many, before and after")
    func fillAndRead() throws {
        let simulation = Simulation(seed: 1)
        let ivar = Ivar<Int>()
        #expect(ivar.peek == nil && !ivar.isFilled)
        let early = (0..<3).map { _ in simulation.spawn { try await ivar.read() } }
        simulation.run()
        #expect(early.allSatisfy { $0.isWaiting })
        ivar.fill(42)
        let late = simulation.spawn { try await ivar.read() }
        simulation.run()
        for task in early + [late] { #expect(try task.value == 42) }
        #expect(ivar.peek == 42)
    }

    @Test("B-07 I1: the second fill traps")
    func secondFill() async {
        await #expect(processExitsWith: .failure) {
            let ivar = Ivar<Int>()
            ivar.fill(1)
            ivar.fill(2)
        }
        await #expect(processExitsWith: .success) {
            let ivar = Ivar<Int>()
            ivar.fill(1)
        }
    }

    @Test("B-07 I1: fill-if-empty of a full cell changes nothing and says so")
    func fillIfEmpty() {
        let ivar = Ivar<Int>()
        #expect(ivar.fillIfEmpty(1))
        #expect(!ivar.fillIfEmpty(2))
        #expect(ivar.peek == 1)
        #expect(!Ivar(filled: 3).fillIfEmpty(4))
    }

    @Test("a read that is cancelled ends, the others go on, and readers are bounded")
    func cancellationAndBound() throws {
        let simulation = Simulation(seed: 1)
        let ivar = Ivar<Int>(waiterLimit: 2)
        let (first, second) = (simulation.spawn { try await ivar.read() }, simulation.spawn { try await ivar.read() })
        simulation.run()
        let third = simulation.spawn { try await ivar.read() }
        simulation.run()
        #expect(third.error as? TooManyWaiters == TooManyWaiters(limit: 2))
        first.cancel()
        simulation.run()
        #expect(first.error is CancellationError)
        // Its place is free again.
        let fourth = simulation.spawn { try await ivar.read() }
        simulation.run()
        ivar.fill(5)
        simulation.run()
        #expect(try second.value == 5)
        #expect(try fourth.value == 5)
    }

    @Test("many threads fill one cell: one wins, and all readers see its value", arguments: seeds(50, soak: 5_000))
    func race(seed: Int) async throws {
        let ivar = Ivar<Int>()
        let (wins, seen) = await withTaskGroup(of: (Bool, Int?).self) { group in
            for number in 0..<4 {
                group.addTask { (ivar.fillIfEmpty(number), nil) }
                group.addTask { (false, try? await ivar.read()) }
            }
            return await group.reduce(into: (0, [Int]())) { sum, part in
                if part.0 { sum.0 += 1 }
                if let value = part.1 { sum.1.append(value) }
            }
        }
        #expect(wins == 1)
        #expect(seen.count == 4 && Set(seen).count == 1)
    }

    // MARK: Deferred values

    @Test("B-04: an immediate value, what follows from it, and values made from values")
    func basics() throws {
        let simulation = Simulation(seed: 1)
        let sum = simulation.spawn {
            await withPipes { pipes in
                let three = Ivar(filled: 3)
                // Binding is awaiting, mapping is computing with what was awaited.
                let doubled = pipes.deferred { (try? await three.read()).map { $0 * 2 } ?? 0 }
                // A deferred in a deferred is two awaits.
                let nested = pipes.deferred { [doubled] in doubled }
                let inner = try? await nested.read().read()
                return (inner ?? 0) + ((try? await three.read()) ?? 0)
            }
        }
        simulation.run()
        #expect(try sum.value == 9)
    }

    @Test("B-05 B-08: both and all wait for every value, in order, however they come")
    func bothAndAll() throws {
        let simulation = Simulation(seed: 1)
        let (number, text) = (Ivar<Int>(), Ivar<String>())
        let pair = simulation.spawn { try await both(number, text) }
        let ivars = (0..<3).map { _ in Ivar<Int>() }
        let values = simulation.spawn { try await all(ivars) }
        simulation.run()
        text.fill("a")
        ivars[2].fill(2)
        ivars[0].fill(0)
        simulation.run()
        #expect(pair.isWaiting && values.isWaiting)
        number.fill(1)
        ivars[1].fill(1)
        simulation.run()
        #expect(try pair.value == (1, "a"))
        #expect(try values.value == [0, 1, 2])
        let none = simulation.spawn { try await all([Ivar<Int>]()) }
        simulation.run()
        #expect(try none.value.isEmpty)
    }

    @Test("B-05 B-08: any is the first value, and the losers are not cancelled")
    func anyOf() throws {
        let simulation = Simulation(seed: 1)
        let timers = ManualTimers()
        let finished = Locked<[Int]>([])
        let first = simulation.spawn {
            try await withPipes { pipes in
                let ivars = [3, 1, 2].map { seconds in
                    pipes.deferred {
                        try? await timers.sleep(for: .seconds(seconds))
                        finished.withLock { $0.append(seconds) }
                        return seconds
                    }
                }
                let first = try await SkerryCSP.any(ivars)
                // The losers finish as well.
                _ = try await all(ivars)
                return first
            }
        }
        simulation.run()
        for _ in 0..<3 {
            timers.advance(by: .seconds(1))
            simulation.run()
        }
        #expect(try first.value == 1)
        #expect(finished.withLock { $0 } == [1, 2, 3])
    }

    @Test("B-05 B-08: choose takes the first of cells and timers, and the cell can still be read")
    func choosing() throws {
        let simulation = Simulation(seed: 1)
        let timers = ManualTimers()
        let (left, right) = (Ivar<Int>(), Ivar<String>())
        let pick: @Sendable () async throws -> String = {
            try await choose {
                left.on { "left \($0)" }
                right.on { "right \($0)" }
                after(.seconds(1), on: timers) { "late" }
            }
        }
        let late = simulation.spawn(pick)
        simulation.run()
        timers.advance(by: .seconds(1))
        simulation.run()
        #expect(try late.value == "late")
        let second = simulation.spawn(pick)
        simulation.run()
        right.fill("b")
        simulation.run()
        #expect(try second.value == "right b")
        #expect(timers.pendingCount == 0)
        left.fill(1)
        let third = simulation.spawn(pick)
        simulation.run()
        #expect(try third.value == "left 1", "of two full cells the first as written wins")
        #expect(right.peek == "b")
    }

    @Test("a select over a cell and a channel takes one of them")
    func mixed() throws {
        let simulation = Simulation(seed: 1)
        let stop = Ivar<Void>()
        let channel = Channel<Int>(.rendezvous)
        let pick: @Sendable () async throws -> Int? = {
            try await select {
                channel.receiver.on { $0 }
                stop.on { Int?.none }
            }
        }
        let first = simulation.spawn(pick)
        simulation.run()
        #expect(try channel.sender.trySend(1))
        simulation.run()
        #expect(try first.value == 1)
        let second = simulation.spawn(pick)
        simulation.run()
        stop.fill(())
        simulation.run()
        #expect(try second.value == nil)
        #expect(try !channel.sender.trySend(2))
    }
}
