extension PipeScope {
    /// `count` receivers, each of which gets every element. The slowest sets the pace: the next element is read when all have the last. A receiver
    /// that is gone is passed over; when all are, the input is let go of.
    public func broadcast<Element: Sendable>(
        _ input: Receiver<Element>, to count: Int, capacity: ChannelCapacity = .rendezvous
    ) -> [Receiver<Element>] {
        let channels = (0..<count).map { _ in Channel<Element>(capacity).halves }
        let senders = channels.map(\.sender)
        start {
            let end = await Self.pump(input) { element in
                let open = senders.filter { $0.closeReason == nil }
                guard !open.isEmpty else { return false }
                try await deliver(element, to: open)
                return true
            }
            for sender in senders { if let end { sender.close(throwing: end) } else { sender.close() } }
        }
        return channels.map(\.receiver)
    }

    /// As ``broadcast(_:to:capacity:)``, to receivers that come and go while it runs. Without any, elements are read and dropped.
    ///
    /// - Parameter tapLimit: receivers that may listen at one time.
    public func mult<Element: Sendable>(_ input: Receiver<Element>, tapLimit: Int = 1_024) -> Multiple<Element> {
        let taps = TapSet<Element>(limit: tapLimit)
        start {
            let end = await Self.pump(input) { element in
                try await deliver(element, to: taps.taps)
                return true
            }
            taps.closeAll(throwing: end)
        }
        return Multiple(taps: taps)
    }

    /// Elements by topic: each goes to those who subscribed to its topic at the moment it is read, and is dropped if nobody has. The slowest of them
    /// sets the pace of all topics.
    ///
    /// - Parameter subscriberLimit: receivers that may listen to one topic, and topics that may have any.
    public func publish<Element: Sendable, Topic: Hashable & Sendable>(
        _ input: Receiver<Element>, by topic: @escaping @Sendable (Element) -> Topic, subscriberLimit: Int = 1_024
    ) -> Publication<Element, Topic> {
        let publication = Publication<Element, Topic>(limit: subscriberLimit)
        start { [index = publication.index] in
            let end = await Self.pump(input) { element in
                guard let taps = index.taps(of: topic(element)) else { return true }
                try await deliver(element, to: taps.taps)
                return true
            }
            index.closeAll(throwing: end)
        }
        return publication
    }

    /// Elements that satisfy the condition, and the rest. Both must be read: the next element waits until the last one was delivered. A side whose
    /// receiver is gone is passed over; when both are, the input is let go of.
    public func split<Element: Sendable>(
        _ input: Receiver<Element>, capacity: ChannelCapacity = .buffer(16), _ condition: @escaping @Sendable (Element) -> Bool
    ) -> (matching: Receiver<Element>, rest: Receiver<Element>) {
        let matching = Channel<Element>(capacity).halves
        let rest = Channel<Element>(capacity).halves
        start { [matching = matching.sender, rest = rest.sender] in
            let end = await Self.pump(input) { element in
                guard matching.closeReason == nil || rest.closeReason == nil else { return false }
                try await deliver(element, to: [condition(element) ? matching : rest])
                return true
            }
            for sender in [matching, rest] { if let end { sender.close(throwing: end) } else { sender.close() } }
        }
        return (matching.receiver, rest.receiver)
    }

    /// Reads until the end, or until `body` says false. Returns what the input was closed with or what `body` threw.
    private static func pump<Element: Sendable>(
        _ input: Receiver<Element>, _ body: (Element) async throws -> Bool
    ) async -> (any Error)? {
        do {
            while let element = try await input.receive() {
                guard try await body(element) else { return nil }
            }
            return nil
        } catch {
            return error
        }
    }
}
