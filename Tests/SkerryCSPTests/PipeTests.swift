import Testing

@testable import SkerryCSP

@Suite struct PipeTests {
    struct Failure: Error {}

    /// Runs `body` in a simulation until nothing moves any more, and returns what it returned.
    private func simulate<Value: Sendable>(seed: Int = 1, _ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let simulation = Simulation(seed: seed)
        let task = simulation.spawn(body)
        simulation.run()
        return try task.value
    }

    /// A receiver of these elements, already closed.
    private func source<Element: Sendable>(_ elements: some Collection<Element>, throwing error: (any Error)? = nil) throws -> Receiver<
        Element
    > {
        let (sender, receiver) = Channel<Element>(.unbounded).halves
        _ = try sender.trySend(contentsOf: Array(elements))
        if let error { sender.close(throwing: error) } else { sender.close() }
        return receiver
    }

    // MARK: Pipes

    @Test("B-06 P1: awaiting a write into an unread pipe waits, and is done when it is read")
    func pushback() throws {
        let simulation = Simulation(seed: 1)
        let (writer, reader) = Channel<Int>.pipe().halves
        let write = simulation.spawn { try await writer.send(1) }
        simulation.run()
        #expect(write.isWaiting)
        let read = simulation.spawn { try await reader.receive() }
        simulation.run()
        #expect(!write.isWaiting)
        #expect(try read.value == 1)
    }

    @Test("B-06: a write that does not wait is read later, and after closing comes the end")
    func postedWrites() throws {
        let (writer, reader) = Channel<Int>.pipe().halves
        for number in 0..<5 { try writer.post(number) }
        writer.close()
        let all = try simulate { try await reader.fold(into: []) { $0.append($1) } }
        #expect(all == [0, 1, 2, 3, 4])
        #expect(reader.tryReceive() == .closed(ChannelClosed(.call)))
    }

    @Test("B-06: fold, forEach and transfer read to the end, in order")
    func reading() throws {
        let numbers = try source(1...4)
        #expect(try simulate { try await numbers.fold(into: 10) { $0 -= $1 } } == 0)
        let texts = try source(["a", "b"])
        let seen = Locked("")
        try simulate { try await texts.forEach { text in seen.withLock { $0 += text } } }
        #expect(seen.withLock { $0 } == "ab")
        let (writer, reader) = Channel<String>(.rendezvous).halves
        let source = try source(1...3)
        let result = try simulate {
            async let moved: Void = source.transfer(to: writer) { "\($0)" }
            var all: [String?] = []
            for _ in 0..<3 { all.append(try await reader.receive()) }
            try await moved
            return all
        }
        #expect(result == ["1", "2", "3"])
        #expect(writer.closeReason == nil, "transfer leaves the output open")
    }

    // MARK: Scope

    @Test("a scope ends its operators when its body returns or throws")
    func scope() throws {
        let (sender, receiver) = Channel<Int>(.rendezvous).halves
        let mapped = try simulate { await withPipes { pipes in pipes.map(receiver) { $0 + 1 } } }
        #expect(mapped.closeReason?.cause is CancellationError)
        #expect(sender.closeReason == nil, "the test still holds the receiver")
        #expect(throws: Failure.self) {
            try simulate {
                try await withPipes { pipes in
                    _ = pipes.map(receiver) { $0 }
                    throw Failure()
                }
            }
        }
    }

    @Test("an operator lets go of its input when its output is gone")
    func release() throws {
        let simulation = Simulation(seed: 1)
        let (sender, input) = Channel<Int>(.rendezvous).halves
        // The only reference to the input moves into the operator.
        let holder = Locked<Receiver<Int>?>(input)
        _ = consume input
        let stop = Ivar<Void>()
        simulation.spawn {
            try await withPipes { pipes in
                _ = pipes.map(holder.withLock { receiver in receiver.take()! }) { $0 }
                try await stop.read()
            }
        }
        simulation.run()
        let sending = simulation.spawn { for number in 0..<10 { try await sender.send(number) } }
        simulation.run()
        #expect((sending.error as? ChannelClosed)?.origin == .receiversReleased)
        stop.fill(())
        simulation.run()
    }

    // MARK: Many to one

    @Test("B-06 B-09 P2: interleave and merge end only after all inputs", arguments: [false, true], 0..<5)
    func interleave(isMerge: Bool, seed: Int) throws {
        let simulation = Simulation(seed: seed)
        let inputs = (0..<3).map { _ in Channel<Int>(.rendezvous) }
        let received = Locked<[Int]>([])
        let task = simulation.spawn {
            try await withPipes { pipes in
                let receivers = inputs.map(\.receiver)
                let all = isMerge ? pipes.merge(receivers, capacity: .rendezvous) : pipes.interleave(receivers)
                try await all.forEach { element in received.withLock { $0.append(element) } }
            }
        }
        for (index, input) in inputs.enumerated() {
            simulation.spawn { for number in 0..<20 { try await input.sender.send(index * 100 + number) } }
        }
        simulation.run()
        let all = received.withLock { $0 }
        #expect(all.count == 60)
        for index in 0..<3 { #expect(all.filter { $0 / 100 == index } == (0..<20).map { index * 100 + $0 }) }
        inputs[0].sender.close()
        inputs[2].sender.close()
        simulation.run()
        #expect(task.isWaiting)
        inputs[1].sender.close()
        simulation.run()
        #expect(try task.value == ())
    }

    @Test("an input that was closed throwing ends merge and interleave with its error", arguments: [false, true])
    func mergeError(isMerge: Bool) throws {
        let (endless, failing) = (Channel<Int>(.rendezvous), try source([1], throwing: Failure()))
        #expect(throws: Failure.self) {
            try simulate {
                try await withPipes { pipes in
                    let receivers = [endless.receiver, failing]
                    try await (isMerge ? pipes.merge(receivers) : pipes.interleave(receivers)).forEach { #expect($0 == 1) }
                }
            }
        }
    }

    @Test("a mix hears what is added, not what is muted, and leaves unread what is paused")
    func mix() throws {
        let simulation = Simulation(seed: 1)
        let (left, right) = (Channel<Int>(.buffer(8)), Channel<Int>(.buffer(8)))
        let desk = Ivar<Mix<Int>>()
        let heard = Locked<[Int]>([])
        let task = simulation.spawn {
            try await withPipes { pipes in
                let (mix, output) = pipes.mix(of: Int.self)
                desk.fill(mix)
                try await output.forEach { element in heard.withLock { $0.append(element) } }
            }
        }
        simulation.run()
        let mix = try #require(desk.peek)
        func hear() -> [Int] {
            simulation.run()
            return heard.withLock { all in
                defer { all = [] }
                return all
            }
        }
        try mix.add(left.receiver)
        try mix.add(right.receiver)
        #expect(try left.sender.trySend(1))
        #expect(try right.sender.trySend(2))
        #expect(Set(hear()) == [1, 2])
        try mix.add(right.receiver, mode: .mute)
        #expect(hear() == [])
        #expect(try right.sender.trySend(3))
        #expect(try left.sender.trySend(4))
        #expect(hear() == [4])
        #expect(right.receiver.count == 0)
        try mix.add(right.receiver, mode: .pause)
        #expect(hear() == [])
        #expect(try right.sender.trySend(5))
        #expect(hear() == [])
        #expect(right.receiver.count == 1)
        try mix.add(right.receiver, mode: .solo)
        #expect(hear() == [5])
        #expect(try left.sender.trySend(6))
        #expect(hear() == [])
        mix.remove(right.receiver)
        #expect(hear() == [])
        #expect(try left.sender.trySend(7))
        #expect(hear() == [7])
        mix.finish()
        simulation.run()
        #expect(try task.value == ())
    }

    // MARK: One to many

    @Test("B-09 P3: with broadcast every reader gets every item, and a slow reader pushes back")
    func broadcast() throws {
        let simulation = Simulation(seed: 1)
        let (sender, input) = Channel<Int>(.rendezvous).halves
        let outputs = Ivar<[Receiver<Int>]>()
        let stop = Ivar<Void>()
        simulation.spawn {
            try await withPipes { pipes in
                outputs.fill(pipes.broadcast(input, to: 3))
                try await stop.read()
            }
        }
        let sentCount = Locked(0)
        simulation.spawn {
            for number in 0..<10 {
                try await sender.send(number)
                sentCount.withLock { $0 += 1 }
            }
            sender.close()
        }
        simulation.run()
        let receivers = try #require(outputs.peek)
        let quick = receivers[0...1].map { receiver in simulation.spawn { try await receiver.fold(into: []) { $0.append($1) } } }
        simulation.run()
        // The third has read nothing: one element is with the operator, no other was taken.
        #expect(sentCount.withLock { $0 } == 1)
        #expect(quick.allSatisfy { $0.isWaiting })
        let slow = receivers[2]
        #expect(slow.tryReceive() == .element(0))
        simulation.run()
        #expect(sentCount.withLock { $0 } == 2)
        let rest = simulation.spawn { try await slow.fold(into: []) { $0.append($1) } }
        simulation.run()
        for task in quick { #expect(try task.value == Array(0..<10)) }
        #expect(try rest.value == Array(1..<10))
        stop.fill(())
        simulation.run()
    }

    @Test("one reader may take from all outputs of a broadcast in any order", arguments: 0..<10)
    func broadcastOneReader(seed: Int) throws {
        let input = try source(0..<5)
        let all = try simulate(seed: seed) {
            try await withPipes { pipes in
                let outputs = pipes.broadcast(input, to: 2)
                var all: [Int?] = []
                for _ in 0..<5 {
                    all.append(try await outputs[1].receive())
                    all.append(try await outputs[0].receive())
                }
                return all
            }
        }
        #expect(all == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    }

    @Test("taps of a multiple come and go, and end with the source")
    func mult() throws {
        let simulation = Simulation(seed: 1)
        let (sender, input) = Channel<Int>(.rendezvous).halves
        let multiple = Ivar<Multiple<Int>>()
        let stop = Ivar<Void>()
        simulation.spawn {
            try await withPipes { pipes in
                multiple.fill(pipes.mult(input, tapLimit: 2))
                try await stop.read()
            }
        }
        func send(_ number: Int) {
            simulation.spawn { try await sender.send(number) }
            simulation.run()
        }
        simulation.run()
        let source = try #require(multiple.peek)
        send(0)
        let early = try source.tap(.buffer(8))
        send(1)
        var late: Receiver<Int>? = try source.tap(.buffer(8))
        #expect(throws: TooManyTaps(limit: 2)) { try source.tap() }
        send(2)
        #expect(late!.tryReceive() == .element(2))
        late = nil
        let third = try source.tap(.buffer(8))
        send(3)
        source.untap(third)
        send(4)
        var seen: [Int] = []
        #expect(third.tryReceive(upTo: 9, into: &seen) == 1)
        #expect(third.isDrained)
        #expect(early.tryReceive(upTo: 9, into: &seen) == 4)
        #expect(seen == [3, 1, 2, 3, 4])
        sender.close(throwing: Failure())
        simulation.run()
        #expect(early.closeReason?.cause is Failure)
        #expect(try source.tap().closeReason?.cause is Failure)
        stop.fill(())
        simulation.run()
    }

    @Test("elements are published by topic, and dropped where nobody listens")
    func publish() throws {
        let simulation = Simulation(seed: 1)
        let (sender, input) = Channel<Int>(.rendezvous).halves
        let publication = Ivar<Publication<Int, Bool>>()
        let stop = Ivar<Void>()
        simulation.spawn {
            try await withPipes { pipes in
                publication.fill(pipes.publish(input, by: { $0 % 2 == 0 }))
                try await stop.read()
            }
        }
        simulation.run()
        let topics = try #require(publication.peek)
        let even = try topics.subscribe(to: true, .buffer(16))
        simulation.spawn { try await sender.send(contentsOf: 0..<5) }
        simulation.run()
        let odd = try topics.subscribe(to: false, .buffer(16))
        simulation.spawn {
            try await sender.send(contentsOf: 5..<9)
            topics.unsubscribe(even, from: true)
            try await sender.send(contentsOf: 9..<12)
            sender.close()
        }
        simulation.run()
        var seen: [Int] = []
        // The unsubscribe overtakes the last element that the operator has in hand, or does not.
        #expect([4, 5].contains(even.tryReceive(upTo: 16, into: &seen)))
        #expect(seen.prefix(4) == [0, 2, 4, 6])
        seen = []
        #expect(odd.tryReceive(upTo: 16, into: &seen) == 4)
        #expect(seen == [5, 7, 9, 11])
        #expect(odd.isDrained && even.isDrained)
        #expect(try topics.subscribe(to: true).isDrained)
        stop.fill(())
        simulation.run()
    }

    @Test("B-09 P4: a late subscriber of a hub misses what was published before")
    func hub() throws {
        let simulation = Simulation(seed: 1)
        let hub = Hub<Int>(subscriberLimit: 2)
        let publish: (Int) -> Spawned<Void> = { number in
            defer { simulation.run() }
            return simulation.spawn { try await hub.publish(number) }
        }
        #expect(!publish(0).isWaiting, "without subscribers nobody is waited for")
        let early = try hub.subscribe(.buffer(8))
        #expect(!publish(1).isWaiting)
        let late = try hub.subscribe()
        #expect(throws: TooManyTaps(limit: 2)) { try hub.subscribe() }
        let second = publish(2)
        #expect(second.isWaiting, "the late one has not read, and pushes back")
        #expect(late.tryReceive() == .element(2))
        simulation.run()
        #expect(!second.isWaiting)
        hub.unsubscribe(late)
        #expect(!publish(3).isWaiting)
        #expect(late.isDrained)
        hub.close()
        var seen: [Int] = []
        #expect(early.tryReceive(upTo: 8, into: &seen) == 3)
        #expect(seen == [1, 2, 3])
        #expect(early.isDrained)
        #expect(publish(4).error is ChannelClosed)
        #expect(try hub.subscribe().isDrained)
    }

    @Test("a subscriber that goes away while a hub waits for it is not waited for")
    func hubSubscriberGone() throws {
        let simulation = Simulation(seed: 1)
        let hub = Hub<Int>()
        let kept = try hub.subscribe()
        var gone: Receiver<Int>? = try hub.subscribe()
        let publishing = simulation.spawn { try await hub.publish(1) }
        simulation.run()
        #expect(kept.tryReceive() == .element(1))
        simulation.run()
        #expect(publishing.isWaiting)
        #expect(gone != nil)
        gone = nil
        simulation.run()
        #expect(!publishing.isWaiting)
    }

    @Test("split sends each element to one of two sides")
    func split() throws {
        let input = try source(0..<10)
        let (even, odd) = try simulate {
            try await withPipes { pipes in
                let (matching, rest) = pipes.split(input) { $0 % 2 == 0 }
                async let even = matching.fold(into: [Int]()) { $0.append($1) }
                async let odd = rest.fold(into: [Int]()) { $0.append($1) }
                return try await (even, odd)
            }
        }
        #expect(even == [0, 2, 4, 6, 8])
        #expect(odd == [1, 3, 5, 7, 9])
    }

    // MARK: One to one

    @Test("an ordered pipeline works in parallel and keeps the order; an unordered one loses nothing", arguments: [1, 3], 0..<10)
    func pipeline(width: Int, seed: Int) throws {
        let running = Locked((now: 0, most: 0))
        let transform: @Sendable (Int) async -> Int = { number in
            running.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            for _ in 0..<(number * 7) % 5 { await Task.yield() }
            running.withLock { $0.now -= 1 }
            return number * 10
        }
        for isOrdered in [true, false] {
            let input = try source(0..<40)
            let all = try simulate(seed: seed) {
                try await withPipes { pipes in
                    try await pipes.pipeline(width, input, ordered: isOrdered, transform).fold(into: [Int]()) { $0.append($1) }
                }
            }
            #expect((isOrdered ? all : all.sorted()) == (0..<40).map { $0 * 10 })
        }
        #expect(running.withLock { $0.most } == width)
    }

    @Test("a transform that throws ends the pipeline with its error, after the results before it when ordered", arguments: [true, false])
    func pipelineError(isOrdered: Bool) throws {
        let input = try source(0..<40)
        let seen = Locked<[Int]>([])
        #expect(throws: Failure.self) {
            try simulate {
                try await withPipes { pipes in
                    let output = pipes.pipeline(3, input, ordered: isOrdered) { number in
                        if number == 7 { throw Failure() }
                        return number
                    }
                    try await output.forEach { number in seen.withLock { $0.append(number) } }
                }
            }
        }
        let all = seen.withLock { $0 }
        if isOrdered { #expect(all == Array(0..<7)) } else { #expect(!all.contains(7)) }
    }

    @Test("an error of the input goes through map and pipelines")
    func inputError() throws {
        for isOrdered in [true, false] {
            let input = try source([1, 2], throwing: Failure())
            #expect(throws: Failure.self) {
                try simulate {
                    try await withPipes { pipes in
                        let mapped = pipes.map(input) { $0 + 1 }
                        let output = pipes.pipeline(2, mapped, ordered: isOrdered) { $0 }
                        try await output.forEach { #expect([2, 3].contains($0)) }
                    }
                }
            }
        }
    }

    @Test("throttle lets one element through in each interval and loses none")
    func throttle() throws {
        let simulation = Simulation(seed: 1)
        let timers = ManualTimers()
        let input = try source(0..<3)
        let seen = Locked<[Int]>([])
        let task = simulation.spawn {
            try await withPipes { pipes in
                try await pipes.throttle(input, to: .seconds(1), on: timers).forEach { number in seen.withLock { $0.append(number) } }
            }
        }
        for count in 1...3 {
            simulation.run()
            #expect(seen.withLock { $0.count } == count)
            timers.advance(by: .seconds(0.5))
            simulation.run()
            #expect(seen.withLock { $0.count } == count)
            timers.advance(by: .seconds(0.5))
        }
        simulation.run()
        #expect(!task.isWaiting)
        #expect(seen.withLock { $0 } == [0, 1, 2])
    }
}
