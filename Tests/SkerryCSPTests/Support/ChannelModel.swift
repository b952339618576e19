import SkerryCSP

/// Channels as plain arrays, one step at a time: what the real ones are compared with.
struct ChannelModel {
    enum Outcome: Equatable {
        case sent(arm: Int)
        case received(Int, arm: Int)
        case ended(arm: Int)
        case closed(arm: Int)
        case cancelled
        case refused
        case otherwise
    }

    struct Waiter {
        var operation: Int
        var arm: Int
        /// Of a sender.
        var element: Int?
        var isPosted = false
    }

    struct Channel {
        var queue: [Int] = []
        var capacity: ChannelCapacity
        var waiterLimit: Int
        var isClosed = false
        var senders: [Waiter] = []
        var receivers: [Waiter] = []

        var limit: Int {
            switch capacity {
            case .rendezvous: 0
            case .buffer(let limit), .dropping(let limit), .sliding(let limit): limit
            case .unbounded: .max
            }
        }
    }

    enum Arm {
        case send(Int, to: Int)
        case receive(from: Int)
    }

    var channels: [Channel]
    /// Of operations that are over.
    var outcomes: [Int: Outcome] = [:]

    /// Does the first arm that can be done, or waits at all; `otherwise` never waits.
    mutating func perform(_ operation: Int, _ arms: [Arm], waiting: Bool) {
        for (index, arm) in arms.enumerated() {
            switch arm {
            case .send(let element, let channel):
                guard let outcome = send(element, to: channel, arm: index) else { continue }
                outcomes[operation] = outcome
            case .receive(let channel):
                guard let outcome = receive(from: channel, arm: index) else { continue }
                outcomes[operation] = outcome
            }
            return
        }
        guard waiting else { return outcomes[operation] = .otherwise }
        var places = channels.map { (senders: $0.senders.count, receivers: $0.receivers.count) }
        for arm in arms {
            switch arm {
            case .send(_, let channel):
                places[channel].senders += 1
                if places[channel].senders > channels[channel].waiterLimit { return outcomes[operation] = .refused }
            case .receive(let channel):
                places[channel].receivers += 1
                if places[channel].receivers > channels[channel].waiterLimit { return outcomes[operation] = .refused }
            }
        }
        for (index, arm) in arms.enumerated() {
            switch arm {
            case .send(let element, let channel):
                channels[channel].senders.append(Waiter(operation: operation, arm: index, element: element))
            case .receive(let channel):
                channels[channel].receivers.append(Waiter(operation: operation, arm: index))
            }
        }
    }

    /// Without waiting for room.
    mutating func post(_ operation: Int, _ element: Int, to channel: Int) {
        if let outcome = send(element, to: channel, arm: 0) { return outcomes[operation] = outcome }
        guard channels[channel].senders.count < channels[channel].waiterLimit else { return outcomes[operation] = .refused }
        channels[channel].senders.append(Waiter(operation: operation, arm: 0, element: element, isPosted: true))
        outcomes[operation] = .sent(arm: 0)
    }

    mutating func cancel(_ operation: Int) {
        guard outcomes[operation] == nil else { return }
        end(operation, .cancelled)
    }

    mutating func close(_ channel: Int) {
        guard !channels[channel].isClosed else { return }
        channels[channel].isClosed = true
        while let waiter = channels[channel].receivers.first { end(waiter.operation, .ended(arm: waiter.arm)) }
        while let waiter = channels[channel].senders.first(where: { !$0.isPosted }) { end(waiter.operation, .closed(arm: waiter.arm)) }
    }

    private mutating func end(_ operation: Int, _ outcome: Outcome) {
        outcomes[operation] = outcome
        for channel in channels.indices {
            channels[channel].senders.removeAll { $0.operation == operation && !$0.isPosted }
            channels[channel].receivers.removeAll { $0.operation == operation }
        }
    }

    /// Nil when it would have to wait.
    private mutating func send(_ element: Int, to index: Int, arm: Int) -> Outcome? {
        if channels[index].isClosed { return .closed(arm: arm) }
        if let receiver = channels[index].receivers.first {
            end(receiver.operation, .received(element, arm: receiver.arm))
            return .sent(arm: arm)
        }
        if channels[index].queue.count >= channels[index].limit {
            switch channels[index].capacity {
            case .dropping: return .sent(arm: arm)
            case .sliding: channels[index].queue.removeFirst()
            default: return nil
            }
        }
        channels[index].queue.append(element)
        return .sent(arm: arm)
    }

    /// Nil when it would have to wait.
    private mutating func receive(from index: Int, arm: Int) -> Outcome? {
        if !channels[index].queue.isEmpty {
            let element = channels[index].queue.removeFirst()
            if let sender = takeSender(at: index) { channels[index].queue.append(sender) }
            return .received(element, arm: arm)
        }
        if let sender = takeSender(at: index) { return .received(sender, arm: arm) }
        return channels[index].isClosed ? .ended(arm: arm) : nil
    }

    private mutating func takeSender(at index: Int) -> Int? {
        guard let sender = channels[index].senders.first else { return nil }
        if sender.isPosted { channels[index].senders.removeFirst() } else { end(sender.operation, .sent(arm: sender.arm)) }
        return sender.element
    }
}
