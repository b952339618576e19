/// Elements by topic. Made by ``PipeScope/publish(_:by:subscriberLimit:)``.
public struct Publication<Element: Sendable, Topic: Hashable & Sendable>: Sendable {
    let index: TopicIndex<Element, Topic>

    init(limit: Int) {
        index = TopicIndex(limit: limit)
    }

    /// A receiver of the elements of `topic` that are read from now on. It leaves when it is closed or let go of.
    ///
    /// - Throws: ``TooManyTaps``.
    public func subscribe(to topic: Topic, _ capacity: ChannelCapacity = .rendezvous) throws(TooManyTaps) -> Receiver<Element> {
        try index.add(topic, capacity)
    }

    /// The receiver gets no more elements of `topic`; it ends after what it has buffered.
    public func unsubscribe(_ receiver: Receiver<Element>, from topic: Topic) {
        index.taps(of: topic)?.remove(receiver.channelID)
    }
}

/// Who listens to which topic.
final class TopicIndex<Element: Sendable, Topic: Hashable & Sendable>: Sendable {
    private struct State {
        var topics: [Topic: TapSet<Element>] = [:]
        var end: ChannelClosed?
    }

    private let state = Locked(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    func taps(of topic: Topic) -> TapSet<Element>? { state.withLock { $0.topics[topic] } }

    func add(_ topic: Topic, _ capacity: ChannelCapacity) throws(TooManyTaps) -> Receiver<Element> {
        guard let taps = set(of: topic) else { throw TooManyTaps(limit: limit) }
        return try taps.add(capacity)
    }

    /// The set of the topic, made if need be; nil when there are as many as may be. Sets without taps make room when it runs out.
    private func set(of topic: Topic) -> TapSet<Element>? {
        state.withLock { state in
            if let taps = state.topics[topic] { return taps }
            if state.topics.count >= limit { state.topics = state.topics.filter { !$0.value.isEmpty } }
            guard state.topics.count < limit else { return nil }
            let taps = TapSet<Element>(limit: limit)
            if let end = state.end { taps.closeAll(throwing: end.cause) } else { state.topics[topic] = taps }
            return taps
        }
    }

    func closeAll(throwing error: (any Error)?) {
        let topics = state.withLock { state in
            state.end = ChannelClosed(.call, cause: error)
            defer { state.topics = [:] }
            return state.topics
        }
        for taps in topics.values { taps.closeAll(throwing: error) }
    }
}
