extension PipeScope {
    /// The elements of all inputs as they come. Ends when all inputs have ended; an input that was closed throwing ends it at once.
    ///
    /// One task for each input: each may hold one element that the output has no room for. ``interleave(_:capacity:)`` holds one in all.
    public func merge<Element: Sendable>(_ inputs: [Receiver<Element>], capacity: ChannelCapacity = .buffer(16)) -> Receiver<Element> {
        let (sender, receiver) = Channel<Element>(capacity).halves
        for input in inputs {
            start {
                do {
                    try await input.transfer(to: sender) { $0 }
                } catch {
                    sender.close(throwing: error)
                }
                // The last input lets go of the last reference, and that closes.
            }
        }
        return receiver
    }

    /// The elements of all inputs, a random one of those that are ready first. Ends when all inputs have ended; an input that was closed throwing ends
    /// it at once.
    public func interleave<Element: Sendable>(_ inputs: [Receiver<Element>], capacity: ChannelCapacity = .rendezvous) -> Receiver<Element> {
        output(capacity) { output in
            var open = inputs
            while !open.isEmpty {
                let element: Element? = try await select {
                    for input in open {
                        input.on { element in
                            if element == nil { open.removeAll { $0 === input } }
                            return element
                        }
                    }
                }
                if let element { try await output.send(element) }
            }
        }
    }

    /// A mixing desk in front of one output: inputs are added, taken away, muted, paused and soloed while it runs.
    ///
    /// The receiver ends when ``Mix/finish()`` was called or the last reference to the mix is gone.
    ///
    /// - Parameter inputLimit: inputs that may be connected at one time.
    public func mix<Element: Sendable>(
        of type: Element.Type = Element.self, capacity: ChannelCapacity = .rendezvous, inputLimit: Int = 1_024
    ) -> (mix: Mix<Element>, receiver: Receiver<Element>) {
        let mix = Mix<Element>(inputLimit: inputLimit)
        let desk = mix.desk
        return (mix, output(capacity) { output in try await desk.run(into: output) })
    }
}
