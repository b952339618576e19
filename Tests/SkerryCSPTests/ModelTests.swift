import Testing

@testable import SkerryCSP

/// Random operations on real channels and on plain arrays, compared after each step.
@Suite struct ModelTests {
    typealias Outcome = ChannelModel.Outcome

    static let capacities: [ChannelCapacity] = [.rendezvous, .buffer(1), .buffer(2), .buffer(5), .dropping(2), .sliding(2), .unbounded]

    @Test("send, receive, post, select, cancel and close agree with plain arrays, step by step", arguments: seeds(200, soak: 5_000))
    func agreement(seed: Int) throws {
        var generator = SplitMix(seed: seed)
        let simulation = Simulation(seed: seed)
        let capacities = [Self.capacities.randomElement(using: &generator)!, Self.capacities.randomElement(using: &generator)!]
        let waiterLimit = Int.random(in: 1...4, using: &generator)
        let channels = capacities.map { Channel<Int>($0, waiterLimit: waiterLimit) }
        var model = ChannelModel(channels: capacities.map { .init(capacity: $0, waiterLimit: waiterLimit) })
        var running: [Spawned<Outcome>] = []
        var finished: [Int: Outcome] = [:]

        for step in 0..<150 {
            let operation = running.count
            let index = Int.random(in: 0..<2, using: &generator)
            let channel = channels[index]
            switch Int.random(in: 0..<100, using: &generator) {
            case 0..<25:
                model.perform(operation, [.send(step, to: index)], waiting: true)
                running.append(
                    simulation.spawn {
                        try await outcome {
                            try await channel.sender.send(step); return .sent(arm: 0)
                        }
                    })
            case 25..<50:
                model.perform(operation, [.receive(from: index)], waiting: true)
                running.append(
                    simulation.spawn {
                        try await outcome { try await channel.receiver.receive().map { .received($0, arm: 0) } ?? Outcome.ended(arm: 0) }
                    })
            case 50..<54:
                model.perform(operation, [.send(step, to: index)], waiting: false)
                running.append(
                    simulation.spawn { try await outcome { try channel.sender.trySend(step) ? .sent(arm: 0) : .otherwise } })
            case 54..<58:
                model.perform(operation, [.receive(from: index)], waiting: false)
                running.append(
                    simulation.spawn {
                        switch channel.receiver.tryReceive() {
                        case .element(let element): .received(element, arm: 0)
                        case .empty: .otherwise
                        case .closed: .ended(arm: 0)
                        }
                    })
            case 58..<62:
                model.post(operation, step, to: index)
                running.append(
                    simulation.spawn {
                        try await outcome {
                            try channel.sender.post(step); return .sent(arm: 0)
                        }
                    })
            case 62..<86:
                let (arms, spawned) = select(step, channels, simulation, &generator)
                model.perform(operation, arms, waiting: true)
                running.append(spawned)
            case 86..<90:
                let other = channels[1 - index]
                model.perform(operation, [.receive(from: index), .send(step, to: 1 - index)], waiting: false)
                running.append(
                    simulation.spawn {
                        try await outcome {
                            try await SkerryCSP.select(.priority) {
                                channel.receiver.on { $0.map { Outcome.received($0, arm: 0) } ?? Outcome.ended(arm: 0) }
                                other.sender.onSend(step) { Outcome.sent(arm: 1) }
                                otherwise { Outcome.otherwise }
                            }
                        } closedArm: {
                            1
                        }
                    })
            case 90..<99 where !running.isEmpty:
                let victim = Int.random(in: running.indices, using: &generator)
                model.cancel(victim)
                running[victim].cancel()
            case 99 where step > 100:
                model.close(index)
                channel.sender.close()
            default: break
            }
            simulation.run()
            for (operation, spawned) in running.enumerated() where finished[operation] == nil {
                finished[operation] = try spawned.outcome?.get()
            }
            let differing = Set(finished.keys).union(model.outcomes.keys).filter { finished[$0] != model.outcomes[$0] }.sorted()
            try #require(
                differing.isEmpty,
                "\(differing.map { "\($0): \(finished[$0], default: "-") for \(model.outcomes[$0], default: "-")" }) after step \(step) of seed \(seed), capacities \(capacities)"
            )
            for (channel, model) in zip(channels, model.channels) {
                channel.receiver.core.checkInvariants()
                try #require(channel.receiver.count == model.queue.count)
            }
        }
        for channel in channels { channel.sender.close() }
        simulation.run()
        #expect(running.allSatisfy { !$0.isWaiting })
    }

    /// A waiting select with two or three arms, some of them on the same channel.
    private func select(
        _ step: Int, _ channels: [Channel<Int>], _ simulation: Simulation, _ generator: inout SplitMix
    ) -> ([ChannelModel.Arm], Spawned<Outcome>) {
        let (one, other) = (Int.random(in: 0..<2, using: &generator), Int.random(in: 0..<2, using: &generator))
        let (first, second) = (channels[one], channels[other])
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            let spawned = simulation.spawn {
                try await outcome {
                    try await SkerryCSP.select(.priority) {
                        first.receiver.on { $0.map { Outcome.received($0, arm: 0) } ?? Outcome.ended(arm: 0) }
                        second.receiver.on { $0.map { Outcome.received($0, arm: 1) } ?? Outcome.ended(arm: 1) }
                    }
                }
            }
            return ([.receive(from: one), .receive(from: other)], spawned)
        case 1:
            let spawned = simulation.spawn {
                try await outcome {
                    try await SkerryCSP.select(.priority) {
                        first.receiver.on { $0.map { Outcome.received($0, arm: 0) } ?? Outcome.ended(arm: 0) }
                        second.sender.onSend(step) { Outcome.sent(arm: 1) }
                    }
                } closedArm: {
                    1
                }
            }
            return ([.receive(from: one), .send(step, to: other)], spawned)
        case 2:
            let spawned = simulation.spawn {
                try await outcome {
                    try await SkerryCSP.select(.priority) {
                        first.sender.onSend(step) { Outcome.sent(arm: 0) }
                        second.receiver.on { $0.map { Outcome.received($0, arm: 1) } ?? Outcome.ended(arm: 1) }
                        if step % 2 == 0 {
                            first.receiver.on { $0.map { Outcome.received($0, arm: 2) } ?? Outcome.ended(arm: 2) }
                        }
                    }
                }
            }
            return ([.send(step, to: one), .receive(from: other)] + (step % 2 == 0 ? [.receive(from: one)] : []), spawned)
        default:
            let spawned = simulation.spawn {
                try await outcome {
                    try await SkerryCSP.select(.priority) {
                        first.sender.onSend(step) { Outcome.sent(arm: 0) }
                        second.sender.onSend(step + 1_000) { Outcome.sent(arm: 1) }
                    }
                } closedArm: {
                    first.sender.closeReason == nil ? 1 : 0
                }
            }
            return ([.send(step, to: one), .send(step + 1_000, to: other)], spawned)
        }
    }
}

/// Errors as outcomes. `ChannelClosed` does not say which arm it came from; `closedArm` does.
private func outcome(
    _ body: () async throws -> ChannelModel.Outcome, closedArm: () -> Int = { 0 }
) async throws -> ChannelModel.Outcome {
    do {
        return try await body()
    } catch is CancellationError {
        return .cancelled
    } catch is TooManyWaiters {
        return .refused
    } catch is ChannelClosed {
        return .closed(arm: closedArm())
    }
}
