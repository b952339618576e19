import SkerryCSP
import SkerryRPC
import SkerrySession
import Testing

@Suite("Rendezvous over sessions", .timeLimit(.minutes(1)))
struct RendezvousTests {
    /// Where the halves of a rendezvous are.
    enum Course: CaseIterable {
        /// The receiver stayed, the sender is a proxy.
        case senderAway
        /// The sender stayed, the receiver is a proxy.
        case receiverAway
        /// The sender is a proxy of a proxy.
        case senderFarAway
        case receiverFarAway
    }

    /// A rendezvous with one half here and one elsewhere.
    private struct Meeting {
        let sender: Sender<Int>
        let receiver: Receiver<Int>
        let pairs: [SessionPair]

        init(_ course: Course, options: SessionOptions = SessionOptions()) async throws {
            let channel = Channel<Int>(.rendezvous)
            var (sender, receiver) = channel.halves
            var pairs: [SessionPair] = []
            for _ in 0..<(course == .senderAway || course == .receiverAway ? 1 : 2) {
                let ends = EndKeeper()
                let pair = try await SessionPair(root: EndsService.reference(to: ends), options: options)
                try await EndsClient(pair.client.rootReference).keep(sender, receiver)
                switch course {
                case .senderAway, .senderFarAway: sender = try #require(await ends.sender)
                case .receiverAway, .receiverFarAway: receiver = try #require(await ends.receiver)
                }
                await ends.forget()
                pairs.append(pair)
            }
            (self.sender, self.receiver, self.pairs) = (sender, receiver, pairs)
        }

        /// Everything that was on its way has come.
        func settle() async throws {
            for _ in 0..<4 {
                for pair in pairs { try await pair.client.rootReference.ping() }
            }
        }

        func close() async { for pair in pairs { await pair.close() } }
    }

    @Test("Y-12: a send returns when the element was received, and not before", arguments: Course.allCases)
    func returns(course: Course) async throws {
        let meeting = try await Meeting(course)
        let isSent = Locked(false)
        let sending = Task {
            try await meeting.sender.send(7)
            isSent.withLock { $0 = true }
        }
        try await meeting.settle()
        #expect(isSent.withLock { $0 } == false)
        #expect(try await meeting.receiver.receive() == 7)
        try await sending.value
        await meeting.close()
    }

    @Test(
        "Y-14: sender and receiver go in step: no element is taken from its sender before a receiver asks for it",
        arguments: Course.allCases)
    func inStep(course: Course) async throws {
        let meeting = try await Meeting(course)
        let asked = Locked(0)
        let count = 300
        let receiving = Task {
            var elements: [Int] = []
            for _ in 0..<count {
                asked.withLock { $0 += 1 }
                if let element = try await meeting.receiver.receive() { elements.append(element) }
                if elements.count % 7 == 0 { await Task.yield() }
            }
            return elements
        }
        for number in 0..<count {
            try await meeting.sender.send(number)
            #expect(asked.withLock { $0 } > number)
        }
        #expect(try await receiving.value == Array(0..<count))
        meeting.sender.close()
        #expect(try await meeting.receiver.receive() == nil)
        await meeting.close()
    }

    @Test(
        "an element whose receiver has gone meanwhile waits with its sender for another, or for the close", arguments: Course.allCases,
        [true, false])
    func receiverGoes(course: Course, closes: Bool) async throws {
        let meeting = try await Meeting(course)
        let first = Task { try await meeting.receiver.receive() }
        // The demand has come to where the sender is.
        try await meeting.settle()
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        let isSent = Locked(false)
        let sending = Task {
            try await meeting.sender.send(7)
            isSent.withLock { $0 = true }
        }
        try await meeting.settle()
        #expect(isSent.withLock { $0 } == false)
        if closes {
            meeting.receiver.close()
            await #expect(throws: ChannelClosed.self) { try await sending.value }
        } else {
            #expect(try await meeting.receiver.receive() == 7)
            try await sending.value
        }
        await meeting.close()
    }

    @Test("a sender whose element was on its way over a session that is lost is told that it may have been received; the channel goes on")
    func lost() async throws {
        let channel = Channel<Int>(.rendezvous)
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        try await EndsClient(pair.client.rootReference).keep(Channel<Int>(.buffer(1)).sender, channel.receiver)
        let proxy = try #require(await ends.receiver)
        let first = Task { try await proxy.receive() }
        for _ in 0..<4 { try await pair.client.rootReference.ping() }
        first.cancel()
        _ = try? await first.value
        let sending = Task { try await channel.sender.send(7) }
        try await eventually { pair.server.statistics.core.elementsReceived == 1 }
        await pair.close()
        let error = await #expect(throws: CallError.self) { try await sending.value }
        #expect(error?.maybeExecuted == true)
        async let received = channel.receiver.receive()
        try await channel.sender.send(8)
        #expect(try await received == 8)
    }

    @Test("an element that was on its way to a receiver that is let go of goes to another")
    func letGo() async throws {
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        try await EndsClient(pair.client.rootReference).keep(Channel<Int>(.buffer(1)).sender, receiver)
        let first = Task { [proxy = await ends.receiver] in try await proxy?.receive() }
        for _ in 0..<4 { try await pair.client.rootReference.ping() }
        first.cancel()
        _ = try? await first.value
        let sending = Task { try await sender.send(7) }
        try await eventually { pair.server.statistics.core.elementsReceived == 1 }
        await ends.forget()
        #expect(try await receiver.receive() == 7)
        try await sending.value
        await pair.close()
    }

    @Test("a sender elsewhere learns that its session was lost")
    func lostAway() async throws {
        let meeting = try await Meeting(.senderAway)
        let sending = Task { try await meeting.sender.send(7) }
        try await meeting.settle()
        await meeting.close()
        let error = await #expect(throws: ChannelClosed.self) { try await sending.value }
        #expect(error?.cause is CallError)
    }

    @Test("a rendezvous that comes home is the original, and one that is handed on is a rendezvous")
    func identity() async throws {
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let client = EndsClient(pair.client.rootReference)
        try await client.keep(sender, receiver)
        #expect(try await client.heldSender() === sender)
        #expect(try await client.heldReceiver() === receiver)
        #expect(await ends.sender?.isRendezvous == true)
        #expect(await ends.receiver?.isRendezvous == true)
        #expect(pair.client.references.count { $0.windowElements == 0 && $0.kind != .service } == 2)
        await ends.forget()
        try await eventually { pair.client.statistics.channelsExported == 0 && pair.server.statistics.channelsImported == 0 }
        await pair.close()
    }

    @Test(
        "with many senders and receivers that come and go: what was sent is received once, what was not sent is not received",
        arguments: Course.allCases, 0..<(Soak.isOn ? 50 : 3))
    func crowd(course: Course, seed: UInt64) async throws {
        let meeting = try await Meeting(course)
        let received = Journal<Int>()
        let senders = 4
        let each = 40
        let isOver = Locked(false)
        let receiving = (0..<3).map { lane in
            Task {
                var generator = SeededGenerator(seed: seed &* 31 &+ UInt64(lane))
                while !isOver.withLock({ $0 }) {
                    let attempt = Task { try await meeting.receiver.receive() }
                    if generator.chance(0.3) {
                        for _ in 0..<generator.below(20) { await Task.yield() }
                        attempt.cancel()
                    }
                    if let element = try? await attempt.value { received.add(element) }
                }
            }
        }
        var sent: Set<Int> = []
        let sending = (0..<senders).map { lane in
            Task {
                var generator = SeededGenerator(seed: seed &* 57 &+ UInt64(lane))
                var sent: [Int] = []
                for number in 0..<each {
                    let element = lane * each + number
                    let attempt = Task { try await meeting.sender.send(element) }
                    if generator.chance(0.3) {
                        for _ in 0..<generator.below(20) { await Task.yield() }
                        attempt.cancel()
                    }
                    do {
                        try await attempt.value
                        sent.append(element)
                    } catch is CancellationError {}
                }
                return sent
            }
        }
        for task in sending { sent.formUnion(try await task.value) }
        isOver.withLock { $0 = true }
        meeting.sender.close()
        for task in receiving { await task.value }
        #expect(received.entries.count == sent.count)
        #expect(Set(received.entries) == sent)
        await meeting.close()
    }

    @Test("a select that sends goes through when the element was received elsewhere", arguments: Course.allCases)
    func selects(course: Course) async throws {
        let meeting = try await Meeting(course)
        let other = Channel<Int>(.rendezvous)
        let sending = Task {
            try await select {
                meeting.sender.onSend(7) { "sent" }
                other.receiver.on { _ in "other" }
            }
        }
        try await meeting.settle()
        let received = try await select {
            meeting.receiver.on { $0 }
            other.receiver.on { $0 }
        }
        #expect(received == 7)
        #expect(try await sending.value == "sent")
        await meeting.close()
    }
}
