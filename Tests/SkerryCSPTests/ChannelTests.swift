import Testing

@testable import SkerryCSP

/// Semantics of one channel, each in a schedule of its own.
@Suite struct ChannelTests {
    struct Failure: Error, Equatable {
        var number = 0
    }

    // MARK: Capacity

    @Test(
        "elements come out once, in order, and then the end",
        arguments: [.rendezvous, .buffer(1), .buffer(3), .buffer(64), .unbounded] as [ChannelCapacity])
    func order(capacity: ChannelCapacity) throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(capacity).halves
        let received = simulation.spawn {
            var all: [Int] = []
            for try await number in receiver { all.append(number) }
            return all
        }
        simulation.spawn {
            for number in 0..<100 { try await sender.send(number) }
            sender.close()
        }
        simulation.run()
        #expect(try received.value == Array(0..<100))
    }

    @Test("a buffer takes as many as it was made for, and one more waits", arguments: [1, 2, 3, 16, 17, 100])
    func bufferBound(limit: Int) throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(limit)).halves
        for number in 0..<limit { #expect(try sender.trySend(number)) }
        #expect(try !sender.trySend(-1))
        let waiting = simulation.spawn { try await sender.send(limit) }
        simulation.run()
        #expect(waiting.isWaiting)
        #expect(receiver.count == limit)
        #expect(receiver.tryReceive() == .element(0))
        simulation.run()
        #expect(!waiting.isWaiting)
        for number in 1...limit { #expect(receiver.tryReceive() == .element(number)) }
        #expect(receiver.tryReceive() == .empty)
    }

    @Test("a rendezvous returns from send when the element was taken, not before")
    func rendezvous() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        #expect(try !sender.trySend(0))
        let sending = simulation.spawn { try await sender.send(1) }
        simulation.run()
        #expect(sending.isWaiting)
        #expect(receiver.tryReceive() == .element(1))
        simulation.run()
        #expect(!sending.isWaiting)
        let receiving = simulation.spawn { try await receiver.receive() }
        simulation.run()
        #expect(receiving.isWaiting)
        #expect(try sender.trySend(2))
        simulation.run()
        #expect(try receiving.value == 2)
    }

    @Test("a dropping channel keeps the first, a sliding one the last")
    func droppingAndSliding() throws {
        let dropping = Channel<Int>(.dropping(3))
        let sliding = Channel<Int>(.sliding(3))
        for number in 0..<10 {
            #expect(try dropping.sender.trySend(number))
            #expect(try sliding.sender.trySend(number))
        }
        var kept: [Int] = []
        #expect(dropping.receiver.tryReceive(upTo: 10, into: &kept) == 3)
        #expect(kept == [0, 1, 2])
        kept = []
        #expect(sliding.receiver.tryReceive(upTo: 10, into: &kept) == 3)
        #expect(kept == [7, 8, 9])
    }

    @Test("an unbounded channel grows, also when its ring has wrapped around")
    func unbounded() throws {
        let (sender, receiver) = Channel<[Int]>(.unbounded).halves
        var next = 0
        for number in 0..<10_000 {
            #expect(try sender.trySend([number]))
            if number % 3 == 0 {
                #expect(receiver.tryReceive() == .element([next]))
                next += 1
            }
        }
        while case .element(let element) = receiver.tryReceive() {
            #expect(element == [next])
            next += 1
        }
        #expect(next == 10_000)
    }

    // MARK: Many at once

    @Test(
        "a batch is sent in order, waiting for room within",
        arguments: [.rendezvous, .buffer(1), .buffer(4), .buffer(1_000)] as [ChannelCapacity])
    func sendBatch(capacity: ChannelCapacity) throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(capacity).halves
        simulation.spawn {
            try await sender.send(contentsOf: 0..<100)
            sender.close()
        }
        let received = simulation.spawn {
            var all: [Int] = []
            while case let batch = try await receiver.receive(upTo: 7), !batch.isEmpty {
                #expect(batch.count <= 7)
                all += batch
            }
            return all
        }
        simulation.run()
        #expect(try received.value == Array(0..<100))
    }

    @Test("a batch that does not wait sends what fits and says how much")
    func trySendBatch() throws {
        let (sender, receiver) = Channel<Int>(.buffer(20)).halves
        #expect(try sender.trySend(contentsOf: 0..<30) == 20)
        #expect(try sender.trySend(contentsOf: 0..<30) == 0)
        var all: [Int] = []
        #expect(receiver.tryReceive(upTo: 5, into: &all) == 5)
        #expect(try sender.trySend(contentsOf: 20..<30) == 5)
        #expect(receiver.tryReceive(upTo: 100, into: &all) == 20)
        #expect(all == Array(0..<25))
        sender.close()
        #expect(throws: ChannelClosed.self) { try sender.trySend(contentsOf: [1]) }
        #expect(try sender.trySend(contentsOf: []) == 0)
    }

    @Test("a batch takes from waiting senders as well")
    func receiveBatchFromWaiting() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(2)).halves
        let sending = (0..<5).map { number in
            defer { simulation.run() }
            return simulation.spawn { try await sender.send(number) }
        }
        var all: [Int] = []
        #expect(receiver.tryReceive(upTo: 10, into: &all) == 5)
        #expect(all == [0, 1, 2, 3, 4])
        simulation.run()
        for task in sending { #expect(!task.isWaiting) }
    }

    // MARK: Closing

    @Test("what is buffered is received before the end")
    func closeDrains() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(4)).halves
        #expect(try sender.trySend(contentsOf: [1, 2]) == 2)
        sender.close()
        #expect(throws: ChannelClosed.self) { try sender.trySend(3) }
        #expect(!receiver.isDrained)
        let received = simulation.spawn { [try await receiver.receive(), try await receiver.receive(), try await receiver.receive()] }
        simulation.run()
        #expect(try received.value == [1, 2, nil])
        #expect(receiver.isDrained)
        #expect(receiver.tryReceive() == .closed(ChannelClosed(.call)))
    }

    @Test("an error given to close comes after what is buffered, every time, and the first close counts")
    func closeThrowing() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(4)).halves
        #expect(try sender.trySend(1))
        sender.close(throwing: Failure(number: 1))
        sender.close()
        receiver.close(throwing: Failure(number: 2))
        #expect(receiver.tryReceive() == .element(1))
        for _ in 0..<2 {
            let received = simulation.spawn { try await receiver.receive() }
            simulation.run()
            #expect(received.error as? Failure == Failure(number: 1))
        }
        let sent = simulation.spawn { try await sender.send(2) }
        simulation.run()
        #expect(((sent.error as? ChannelClosed)?.cause as? Failure) == Failure(number: 1))
    }

    @Test("closing wakes all receivers with the end and all senders with an error")
    func closeWakes() throws {
        let simulation = Simulation(seed: 1)
        let full = Channel<Int>(.buffer(1))
        #expect(try full.sender.trySend(0))
        let sending = (0..<3).map { number in simulation.spawn { try await full.sender.send(number) } }
        let empty = Channel<Int>(.buffer(1))
        let receiving = (0..<3).map { _ in simulation.spawn { try await empty.receiver.receive() } }
        simulation.run()
        full.receiver.close()
        empty.sender.close()
        simulation.run()
        for task in sending { #expect(task.error is ChannelClosed) }
        for task in receiving { #expect(try task.value == nil) }
        // Those that waited were told that they did not send, and they did not.
        #expect(full.receiver.tryReceive() == .element(0))
        #expect(full.receiver.tryReceive() == .closed(ChannelClosed(.call)))
    }

    @Test("Y-13: the last reference to a half closes the channel towards the other half")
    func halfClose() throws {
        let simulation = Simulation(seed: 1)
        var channel: Channel<Int>? = Channel<Int>(.buffer(4))
        let receiver = channel!.receiver
        var copy: Sender<Int>? = channel!.sender
        #expect(try copy!.trySend(1))
        channel = nil
        #expect(receiver.closeReason == nil)
        copy = nil
        #expect(receiver.closeReason?.origin == .sendersReleased)
        let received = simulation.spawn { [try await receiver.receive(), try await receiver.receive()] }
        simulation.run()
        #expect(try received.value == [1, nil])
    }

    @Test("Y-13: without receivers nothing can be sent, what was buffered is let go, and senders that wait are told")
    func receiversReleased() throws {
        final class Element: Sendable {}
        let simulation = Simulation(seed: 1)
        let sender: Sender<Element>
        weak var buffered: Element?
        let waiting: Spawned<Void>
        do {
            let channel = Channel<Element>(.buffer(1))
            sender = channel.sender
            let element = Element()
            buffered = element
            #expect(try sender.trySend(element))
            waiting = simulation.spawn { try await sender.send(Element()) }
            simulation.run()
            #expect(waiting.isWaiting)
        }
        #expect(buffered == nil)
        simulation.run()
        #expect((waiting.error as? ChannelClosed)?.origin == .receiversReleased)
        #expect(throws: ChannelClosed.self) { try sender.trySend(Element()) }
    }

    @Test("a channel that is let go lets go of its elements")
    func releasesElements() throws {
        final class Element: Sendable {}
        weak var last: Element?
        do {
            let channel = Channel<Element>(.unbounded)
            for _ in 0..<100 {
                let element = Element()
                last = element
                #expect(try channel.sender.trySend(element))
            }
            #expect(last != nil)
        }
        #expect(last == nil)
    }

    @Test("B-06: a posted element does not wait, keeps its place in line, survives closing, and is bounded")
    func posting() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous, waiterLimit: 3).halves
        try sender.post(1)
        let waiting = simulation.spawn { try await sender.send(2) }
        simulation.run()
        try sender.post(3)
        #expect(throws: TooManyWaiters(limit: 3)) { try sender.post(4) }
        sender.close()
        simulation.run()
        #expect(waiting.error is ChannelClosed)
        #expect(receiver.tryReceive() == .element(1))
        #expect(receiver.tryReceive() == .element(3))
        #expect(receiver.tryReceive() == .closed(ChannelClosed(.call)))
        #expect(throws: ChannelClosed.self) { try sender.post(5) }
    }

    // MARK: Waiting

    @Test("waiters are served in the order they came")
    func fifo() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(1)).halves
        let receiving = (0..<5).map { _ in
            defer { simulation.run() }
            return simulation.spawn { try await receiver.receive() }
        }
        for number in 0..<5 { #expect(try sender.trySend(number)) }
        simulation.run()
        for (number, task) in receiving.enumerated() { #expect(try task.value == number) }
    }

    @Test("one waiter more than allowed is refused, on either side, and nothing is lost by it")
    func tooManyWaiters() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous, waiterLimit: 2).halves
        let sending = (0..<3).map { number in
            defer { simulation.run() }
            return simulation.spawn { try await sender.send(number) }
        }
        #expect(sending[2].error as? TooManyWaiters == TooManyWaiters(limit: 2))
        #expect(receiver.tryReceive() == .element(0))
        #expect(receiver.tryReceive() == .element(1))
        #expect(receiver.tryReceive() == .empty)
        let receiving = (0..<3).map { _ in
            defer { simulation.run() }
            return simulation.spawn { try await receiver.receive() }
        }
        #expect(receiving[2].error as? TooManyWaiters == TooManyWaiters(limit: 2))
        #expect(try sender.trySend(contentsOf: [0, 1, 2]) == 2)
    }

    @Test("by default 1,024 operations may wait on a side")
    func defaultWaiterLimit() throws {
        let simulation = Simulation(seed: 1)
        let receiver = Channel<Int>(.rendezvous).receiver
        // The sender is gone, so that nothing may wait; keep one.
        let channel = Channel<Int>(.rendezvous)
        let tasks = (0..<1_025).map { _ in simulation.spawn { try await channel.receiver.receive() } }
        simulation.run()
        #expect(tasks.count { $0.error is TooManyWaiters } == 1)
        channel.sender.close()
        simulation.run()
        #expect(tasks.allSatisfy { !$0.isWaiting })
        #expect(receiver.tryReceive() == .closed(ChannelClosed(.sendersReleased)))
    }

    // MARK: Cancellation

    @Test("a send that is cancelled while it waits has not sent")
    func cancelSend() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(1)).halves
        #expect(try sender.trySend(0))
        let tasks = (1...3).map { number in
            defer { simulation.run() }
            return simulation.spawn { try await sender.send(number) }
        }
        tasks[1].cancel()
        simulation.run()
        #expect(tasks[1].error is CancellationError)
        var all: [Int] = []
        #expect(receiver.tryReceive(upTo: 10, into: &all) == 3)
        #expect(all == [0, 1, 3])
    }

    @Test("a receive that is cancelled while it waits takes nothing")
    func cancelReceive() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(1)).halves
        let tasks = (0..<3).map { _ in
            defer { simulation.run() }
            return simulation.spawn { try await receiver.receive() }
        }
        tasks[0].cancel()
        tasks[1].cancel()
        simulation.run()
        #expect(tasks[0].error is CancellationError)
        #expect(tasks[1].error is CancellationError)
        #expect(try sender.trySend(7))
        simulation.run()
        #expect(try tasks[2].value == 7)
        receiver.core.checkInvariants()
    }

    @Test("a receive that was handed its element before the cancellation returns it")
    func cancelTooLate() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(1)).halves
        let task = simulation.spawn { try await receiver.receive() }
        simulation.run()
        #expect(try sender.trySend(7))
        task.cancel()
        simulation.run()
        #expect(try task.value == 7)
    }

    @Test("a task cancelled beforehand neither waits nor sends, but takes what is there")
    func cancelledBeforehand() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(1)).halves
        #expect(try sender.trySend(1))
        let first = simulation.spawn { try await receiver.receive() }
        let second = simulation.spawn { try await receiver.receive() }
        first.cancel()
        second.cancel()
        simulation.run()
        let outcomes = [first, second]
        #expect(outcomes.count { $0.error is CancellationError } == 1)
        #expect(outcomes.compactMap { try? $0.value } == [1])
    }

    // MARK: Hooks

    @Test("a readable hook is kept while there is nothing, and called once by an element")
    func readableHook() throws {
        let calls = Locked(0)
        let (sender, receiver) = Channel<Int>(.buffer(4)).halves
        #expect(try receiver.whenReadable { calls.withLock { $0 += 1 } })
        #expect(calls.withLock { $0 } == 0)
        #expect(try sender.trySend(1))
        #expect(try sender.trySend(2))
        #expect(calls.withLock { $0 } == 1)
        #expect(try !receiver.whenReadable { calls.withLock { $0 += 1 } })
        var all: [Int] = []
        #expect(receiver.tryReceive(upTo: 4, into: &all) == 2)
        #expect(try receiver.whenReadable { calls.withLock { $0 += 1 } })
        sender.close()
        #expect(calls.withLock { $0 } == 2)
        #expect(try !receiver.whenReadable {})
    }

    @Test("a readable hook is called by a sender that waits at a rendezvous, but not when a waiting task gets the element")
    func readableHookAtRendezvous() throws {
        let simulation = Simulation(seed: 1)
        let calls = Locked(0)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let receiving = simulation.spawn { try await receiver.receive() }
        simulation.run()
        #expect(try receiver.whenReadable { calls.withLock { $0 += 1 } })
        #expect(try sender.trySend(1))
        simulation.run()
        #expect(try receiving.value == 1)
        #expect(calls.withLock { $0 } == 0)
        let sending = simulation.spawn { try await sender.send(2) }
        simulation.run()
        #expect(sending.isWaiting)
        #expect(calls.withLock { $0 } == 1)
        #expect(receiver.tryReceive() == .element(2))
    }

    @Test("Y-14: a writable hook is kept while there is no room, and called once when there is")
    func writableHook() throws {
        let simulation = Simulation(seed: 1)
        let calls = Locked(0)
        let (sender, receiver) = Channel<Int>(.buffer(2)).halves
        #expect(try !sender.whenWritable {})
        #expect(try sender.trySend(contentsOf: 0..<9) == 2)
        let waiting = simulation.spawn { try await sender.send(2) }
        simulation.run()
        #expect(try sender.whenWritable { calls.withLock { $0 += 1 } })
        // The first room goes to the task that waits.
        #expect(receiver.tryReceive() == .element(0))
        #expect(calls.withLock { $0 } == 0)
        simulation.run()
        #expect(!waiting.isWaiting)
        #expect(receiver.tryReceive() == .element(1))
        #expect(calls.withLock { $0 } == 1)
        #expect(try sender.trySend(3))
        #expect(try sender.whenWritable { calls.withLock { $0 += 1 } })
        receiver.close()
        #expect(calls.withLock { $0 } == 2)
    }

    @Test("a writable hook of a rendezvous is called by a receiver that waits")
    func writableHookAtRendezvous() throws {
        let simulation = Simulation(seed: 1)
        let calls = Locked(0)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        #expect(try sender.whenWritable { calls.withLock { $0 += 1 } })
        let receiving = simulation.spawn { try await receiver.receive() }
        simulation.run()
        #expect(calls.withLock { $0 } == 1)
        #expect(try sender.trySend(1))
        simulation.run()
        #expect(try receiving.value == 1)
    }

    @Test("Y-13: close hooks of both halves are called once, or at once when it is closed already")
    func closeHooks() throws {
        let calls = Locked<[ChannelClosed.Origin]>([])
        let (sender, receiver) = Channel<Int>(.buffer(2)).halves
        try sender.onClose { reason in calls.withLock { $0.append(reason.origin) } }
        try receiver.onClose { reason in calls.withLock { $0.append(reason.origin) } }
        #expect(calls.withLock { $0.isEmpty })
        receiver.close()
        sender.close()
        #expect(calls.withLock { $0 } == [.call, .call])
        try sender.onClose { reason in calls.withLock { $0.append(reason.origin) } }
        #expect(calls.withLock { $0.count } == 3)
    }

    @Test("hooks are bounded as waiters are")
    func hookBound() throws {
        let (sender, receiver) = Channel<Int>(.rendezvous, waiterLimit: 1).halves
        #expect(try receiver.whenReadable {})
        #expect(throws: TooManyWaiters(limit: 1)) { try receiver.whenReadable {} }
        #expect(try sender.whenWritable {})
        #expect(throws: TooManyWaiters(limit: 1)) { try sender.whenWritable {} }
        try sender.onClose { _ in }
        #expect(throws: TooManyWaiters(limit: 1)) { try sender.onClose { _ in } }
    }

    @Test("a pump on hooks moves everything without a task, and sees the end")
    func pump() throws {
        final class Pump: Sendable {
            let receiver: Receiver<Int>
            let moved = Locked<[Int]>([])
            let end = Locked<ChannelClosed?>(nil)

            init(_ receiver: Receiver<Int>) { self.receiver = receiver }

            func run() {
                while true {
                    var buffer: [Int] = []
                    _ = receiver.tryReceive(upTo: 3, into: &buffer)
                    moved.withLock { [buffer] in $0 += buffer }
                    if receiver.isDrained { return end.withLock { $0 = receiver.closeReason } }
                    if (try? receiver.whenReadable { self.run() }) == true { return }
                }
            }
        }
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.buffer(2)).halves
        let pump = Pump(receiver)
        pump.run()
        simulation.spawn {
            for number in 0..<50 { try await sender.send(number) }
            sender.close(throwing: Failure())
        }
        simulation.run()
        #expect(pump.moved.withLock { $0 } == Array(0..<50))
        #expect(pump.end.withLock { $0?.cause is Failure })
    }

    // MARK: Identity

    @Test("both halves name the same channel, ids are not used again, and origins are kept by half")
    func identity() {
        final class Remote: Sendable {}
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        #expect(sender.channelID == receiver.channelID)
        let earlier = Channel<Int>(.rendezvous).sender.channelID
        #expect(earlier < Channel<Int>(.rendezvous).sender.channelID)
        let remote = Remote()
        #expect(sender.origin == nil)
        sender.origin = remote
        #expect(sender.origin === remote)
        #expect(receiver.origin == nil)
        receiver.origin = remote
        sender.origin = nil
        #expect(sender.origin == nil && receiver.origin === remote)
    }
}
