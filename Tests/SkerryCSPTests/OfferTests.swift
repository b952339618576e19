import Testing

@testable import SkerryCSP

/// Elements that are taken for a trial, and receivers that are elsewhere.
@Suite struct OfferTests {
    @Test("a send whose element was taken for a trial goes on to wait, and returns when it is accepted")
    func accepted() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        #expect(receiver.takeOffer()?.element == nil)
        let sending = simulation.spawn { try await sender.send(1) }
        simulation.run()
        let offer = try #require(receiver.takeOffer())
        #expect(offer.element == 1)
        #expect(receiver.takeOffer()?.element == nil && receiver.tryReceive() == .empty)
        simulation.run()
        #expect(sending.isWaiting)
        offer.accept()
        simulation.run()
        try sending.value
    }

    @Test("an element that is put back is the first again, and goes to a receiver that waits")
    func putBack() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let sending = (1...2).map { number in
            // One after the other, so that they stand in line in this order.
            defer { simulation.run() }
            return simulation.spawn { try await sender.send(number) }
        }
        try #require(receiver.takeOffer()).putBack()
        #expect(receiver.tryReceive() == .element(1))
        let offer = try #require(receiver.takeOffer())
        let receiving = simulation.spawn { try await receiver.receive() }
        simulation.run()
        #expect(receiving.isWaiting)
        offer.putBack()
        simulation.run()
        #expect(try receiving.value == 2)
        for task in sending { try task.value }
    }

    @Test("a send whose element is put back into a closed channel throws")
    func closed() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let sending = simulation.spawn { try await sender.send(1) }
        simulation.run()
        let offer = try #require(receiver.takeOffer())
        receiver.close()
        simulation.run()
        #expect(sending.isWaiting, "it may have been received")
        offer.putBack()
        simulation.run()
        #expect(throws: ChannelClosed.self) { try sending.value }
    }

    @Test("a send of whose element nobody knows what became throws why, and so does a select", arguments: [true, false])
    func failed(isSelect: Bool) throws {
        struct Lost: Error {}
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let sending = simulation.spawn {
            if isSelect { try await select { sender.onSend(1) {} } } else { try await sender.send(1) }
        }
        simulation.run()
        try #require(receiver.takeOffer()).fail(Lost())
        simulation.run()
        #expect(throws: Lost.self) { try sending.value }
        #expect(receiver.tryReceive() == .empty)
        #expect(receiver.closeReason == nil)
    }

    @Test(
        "a send that is cancelled while its element is away is cancelled when that is put back, and done when it is accepted",
        arguments: [true, false])
    func cancelled(isAccepted: Bool) throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let sending = simulation.spawn { try await sender.send(1) }
        simulation.run()
        let offer = try #require(receiver.takeOffer())
        sending.cancel()
        simulation.run()
        #expect(sending.isWaiting)
        if isAccepted { offer.accept() } else { offer.putBack() }
        simulation.run()
        if isAccepted { try sending.value } else { #expect(throws: CancellationError.self) { try sending.value } }
        #expect(receiver.tryReceive() == .empty)
    }

    @Test("a select whose element is taken for a trial has chosen, also when it is put back")
    func selects() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let other = Channel<Int>(.rendezvous)
        let selecting = simulation.spawn {
            try await select {
                sender.onSend(1) { "sent" }
                other.receiver.on { _ in "received" }
            }
        }
        simulation.run()
        try #require(receiver.takeOffer()).putBack()
        #expect(try !other.sender.trySend(2))
        simulation.run()
        #expect(selecting.isWaiting)
        #expect(receiver.tryReceive() == .element(1))
        simulation.run()
        #expect(try selecting.value == "sent")
    }

    @Test("who expects an element without waiting is found by who asks whether a send may do")
    func expecting() throws {
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let calls = Locked(0)
        #expect(try sender.whenWritable { calls.withLock { $0 += 1 } })
        receiver.expect(true)
        #expect(calls.withLock { $0 } == 1)
        #expect(try !sender.whenWritable { calls.withLock { $0 += 1 } })
        #expect(try !sender.trySend(1), "nobody waits here")
        receiver.expect(false)
        #expect(try sender.whenWritable { calls.withLock { $0 += 1 } })
        #expect(calls.withLock { $0 } == 1)
    }

    @Test("an offer without a task is received as any element, and told of once")
    func offering() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let told = Locked([Bool]())
        #expect(try !sender.offer(1) { isTaken in told.withLock { $0.append(isTaken) } })
        #expect(told.withLock { $0 } == [])
        #expect(receiver.tryReceive() == .element(1))
        #expect(told.withLock { $0 } == [true])
        let receiving = simulation.spawn { try await receiver.receive() }
        simulation.run()
        #expect(try sender.offer(2) { _ in told.withLock { $0.append(false) } }, "at once")
        simulation.run()
        #expect(try receiving.value == 2)
        #expect(try !sender.offer(3) { isTaken in told.withLock { $0.append(isTaken) } })
        sender.close()
        #expect(told.withLock { $0 } == [true, false])
        #expect(receiver.tryReceive() == .closed(ChannelClosed(.call)))
        #expect(throws: ChannelClosed.self) { try sender.offer(4) { _ in } }
    }
}
