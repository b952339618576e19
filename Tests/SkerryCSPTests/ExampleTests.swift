import SkerryCSP
import Testing

/// The examples of the documentation page, as they stand there.
@Suite struct ExampleTests {
    @Test("the example of channels")
    func channels() async throws {
        let (sender, receiver) = Channel<Int>(.buffer(64)).halves
        async let sum = receiver.fold(into: 0) { $0 += $1 }
        for number in 1...10 { try await sender.send(number) }
        sender.close()
        #expect(try await sum == 55)
    }

    @Test("the example of batches")
    func batches() async throws {
        let (sender, receiver) = Channel<Int>(.buffer(64)).halves
        async let sending: Void = {
            for number in 1...1_000 { try await sender.send(number) }
            sender.close()
        }()
        var total = 0
        var batch: [Int] = []
        while try await receiver.receive(upTo: 256, into: &batch) > 0 {
            total += batch.reduce(0, +)
            batch.removeAll(keepingCapacity: true)
        }
        try await sending
        #expect(total == 500_500)
    }

    @Test("the example of select")
    func selecting() async throws {
        let numbers = Channel<Int>(.buffer(1))
        let words = Channel<String>(.buffer(1))
        let text = try await select {
            numbers.receiver.on { number in "received \(number ?? -1)" }
            words.sender.onSend("hello") { "sent" }
            after(.seconds(1)) { "nothing happened" }
        }
        #expect(text == "sent")
        #expect(words.receiver.tryReceive() == .element("hello"))
    }

    @Test("the example of write-once values")
    func ivars() async throws {
        let answer = Ivar<Int>()
        answer.fill(42)
        let text = try await choose {
            answer.on { "answered \($0)" }
            after(.seconds(1)) { "too late" }
        }
        #expect(text == "answered 42")
    }

    @Test("the example of operators")
    func operators() async throws {
        let (left, leftEnd) = Channel<String>(.buffer(4)).halves
        let (right, rightEnd) = Channel<String>(.buffer(4)).halves
        for (sender, word) in [(left, "a"), (right, "b")] {
            try await sender.send(word)
            sender.close()
        }
        let words: [String] = try await withPipes { pipes in
            let merged = pipes.merge([leftEnd, rightEnd])
            let loud = pipes.pipeline(4, merged, ordered: true) { $0.uppercased() }
            return try await loud.fold(into: []) { $0.append($1) }
        }
        #expect(words.sorted() == ["A", "B"])
    }

    @Test("the example of time")
    func time() async throws {
        let (sender, receiver) = Channel<Int>(.buffer(4)).halves
        let timers = ManualTimers()
        async let outcome = select {
            receiver.on { _ in "received" }
            after(.seconds(3_600), on: timers) { "an hour later" }
        }
        try await until("the select waits for its timer") { timers.pendingCount > 0 }
        timers.advance(by: .seconds(3_600))
        #expect(try await outcome == "an hour later")
        sender.close()
    }

    @Test("the example of ivars in their documentation")
    func ivarRead() async throws {
        let answer = Ivar<Int>()
        async let doubled = answer.read() * 2
        answer.fill(21)
        #expect(try await doubled == 42)
    }

    @Test("the example of hubs in their documentation")
    func hub() async throws {
        let hub = Hub<String>()
        try await hub.publish("nobody hears this")
        let news = try hub.subscribe(.buffer(16))
        try await hub.publish("hello")
        #expect(news.tryReceive() == .element("hello"))
        #expect(news.tryReceive() == .empty)
    }
}
