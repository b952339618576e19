extension PipeScope {
    /// What `transform` makes of each element, in order.
    ///
    /// - Parameter capacity: of the output.
    public func map<Input: Sendable, Output: Sendable>(
        _ input: Receiver<Input>, capacity: ChannelCapacity = .buffer(16), _ transform: @escaping @Sendable (Input) async throws -> Output
    ) -> Receiver<Output> {
        output(capacity) { output in try await input.transfer(to: output, transform) }
    }

    /// At most one element in each `interval`; the others wait, and none is lost.
    ///
    /// - Parameter timers: whose time counts.
    public func throttle<Element: Sendable>(
        _ input: Receiver<Element>, to interval: Duration, on timers: any TimerService = .continuous,
        capacity: ChannelCapacity = .rendezvous
    ) -> Receiver<Element> {
        output(capacity) { output in
            while let element = try await input.receive() {
                try await output.send(element)
                try await timers.sleep(for: interval)
            }
        }
    }

    /// What `transform` makes of each element, `width` of them at one time.
    ///
    /// Ordered, results come out in the order of their elements, at most `width` of them waiting for an earlier one; unordered, as they are done.
    /// A `transform` that throws closes the output throwing the same, after the results before it (ordered) or at once (unordered).
    public func pipeline<Input: Sendable, Output: Sendable>(
        _ width: Int, _ input: Receiver<Input>, ordered: Bool, capacity: ChannelCapacity = .buffer(16),
        _ transform: @escaping @Sendable (Input) async throws -> Output
    ) -> Receiver<Output> {
        precondition(width > 0, "a pipeline of \(width) workers")
        return ordered ? orderedPipeline(width, input, capacity, transform) : unorderedPipeline(width, input, capacity, transform)
    }

    private func unorderedPipeline<Input: Sendable, Output: Sendable>(
        _ width: Int, _ input: Receiver<Input>, _ capacity: ChannelCapacity, _ transform: @escaping @Sendable (Input) async throws -> Output
    ) -> Receiver<Output> {
        let (sender, receiver) = Channel<Output>(capacity).halves
        for _ in 0..<width {
            start {
                do {
                    try await input.transfer(to: sender, transform)
                } catch {
                    sender.close(throwing: error)
                }
                // The last worker lets go of the last reference, and that closes.
            }
        }
        return receiver
    }

    private func orderedPipeline<Input: Sendable, Output: Sendable>(
        _ width: Int, _ input: Receiver<Input>, _ capacity: ChannelCapacity, _ transform: @escaping @Sendable (Input) async throws -> Output
    ) -> Receiver<Output> {
        typealias Slot = Ivar<Result<Output, any Error>>
        let jobs = Channel<(Input, Slot)>(.rendezvous)
        // One slot is with the emitter.
        let slots = Channel<Slot>(width > 1 ? .buffer(width - 1) : .rendezvous)
        let (jobSender, jobReceiver) = jobs.halves
        let (slotSender, slotReceiver) = slots.halves
        start(filling: slotSender) { slotSender in
            defer { jobSender.close() }
            while let element = try await input.receive() {
                let slot = Slot()
                try await slotSender.send(slot)
                try await jobSender.send((element, slot))
            }
        }
        for _ in 0..<width {
            start {
                while let (element, slot) = try? await jobReceiver.receive() {
                    do { slot.fill(.success(try await transform(element))) } catch { slot.fill(.failure(error)) }
                }
            }
        }
        return output(capacity) { output in
            while let slot = try await slotReceiver.receive() { try await output.send(slot.read().get()) }
        }
    }
}
