import SkerryCRDT

/// Every history of a length: three writers, each having heard of any part that makes sense, inserting or deleting at every position; and
/// every
/// order in which its events can come.
struct SmallScope: Sendable {
    struct Event {
        var replica: Int
        var bytes: [UInt8]
        /// The events it had seen, a bit each.
        var past: Int
        var position: Int
        /// nil for a deletion.
        var placement: FugueOrder.Placement?
        /// The deleted unit.
        var target: Int
    }

    static let origins: [UInt64] = [50, 10, 40]

    private(set) var histories = 0
    private(set) var deliveries = 0
    /// Histories in which two writers typed runs that must not mix.
    private(set) var runs = 0

    /// Checks every history of a length that begins with one of the first choices, a share of all.
    mutating func run(length: Int, share: Int, of shares: Int) throws {
        var number = 0
        try extend([], seen: [0, 0, 0], left: length) { prefix in
            if prefix != 2 { return true }
            number += 1
            return number % shares == share
        }
    }

    private mutating func extend(_ events: [Event], seen: [Int], left: Int, _ isOurs: (Int) -> Bool) throws {
        if left == 0 { return try checkAll(events) }
        if !isOurs(events.count) { return }
        for replica in 0..<3 {
            // Writers are alike but for their ids, so only two begin.
            if events.isEmpty, replica > 1 { continue }
            for heard in 0..<(1 << events.count) where heard & seen[replica] == seen[replica] && isClosed(heard, events) {
                var order = Self.order(of: heard, events)
                let length = order.visible().count
                for position in 0...length {
                    for isDeletion in [false, true] where !isDeletion || position < length {
                        var knows = seen
                        knows[replica] = heard | 1 << events.count
                        try extend(
                            events + [try event(events, replica, heard, position, isDeletion, order)], seen: knows, left: left - 1, isOurs)
                    }
                }
            }
        }
    }

    private func isClosed(_ set: Int, _ events: [Event]) -> Bool {
        events.indices.allSatisfy { set >> $0 & 1 == 0 || events[$0].past & ~set == 0 }
    }

    private static func order(of set: Int, _ events: [Event]) -> FugueOrder {
        var order = FugueOrder()
        for (index, event) in events.enumerated() where set >> index & 1 == 1 {
            if let placement = event.placement { order.place(index, placement) } else { order.delete(event.target) }
        }
        return order
    }

    private func event(
        _ events: [Event], _ replica: Int, _ heard: Int, _ position: Int, _ isDeletion: Bool, _ order: FugueOrder
    ) throws -> Event {
        let document = Document(origin: OriginID(rawValue: Self.origins[replica]))
        for (index, event) in events.enumerated() where heard >> index & 1 == 1 { try document.merge(event.bytes) }
        let before = document.version
        let letter = String(Unicode.Scalar(UInt8(97 + events.count)))
        document.change { $0.text("t").replace(position..<position + (isDeletion ? 1 : 0), with: isDeletion ? "" : letter) }
        var order = order
        var event = Event(replica: replica, bytes: try document.history(since: before), past: heard, position: position, target: -1)
        if isDeletion {
            event.target = order.unit(at: position)
        } else {
            event.placement = order.insert(events.count, at: position, origin: Self.origins[replica])
        }
        return event
    }

    // MARK: - Checking

    private mutating func checkAll(_ events: [Event]) throws {
        histories += 1
        var order = Self.order(of: 1 << events.count - 1, events)
        let expected = String(String.UnicodeScalarView(order.visible().map { Unicode.Scalar(UInt8(97 + $0)) }))
        try checkRuns(events, order.order())
        try deliver(events, [], expected)
    }

    private mutating func deliver(_ events: [Event], _ order: [Int], _ expected: String) throws {
        if order.count == events.count {
            deliveries += 1
            let document = Document(origin: OriginID(rawValue: 99))
            for index in order { try document.merge(events[index].bytes) }
            let text = document.text("t").string
            return try require(text == expected, "\"\(text)\" and not \"\(expected)\" in order \(order) of \(events)")
        }
        let done = order.reduce(0) { $0 | 1 << $1 }
        for index in events.indices where done >> index & 1 == 0 && events[index].past & ~done == 0 {
            try deliver(events, order + [index], expected)
        }
    }

    /// What two writers typed in a run each, forwards or backwards and without hearing of each other, stands apart.
    private mutating func checkRuns(_ events: [Event], _ order: [Int]) throws {
        let writers = Set(events.map(\.replica))
        guard events.count >= 4, events.allSatisfy({ $0.placement != nil }), writers.count == 2 else { return }
        let typed = writers.sorted().map { writer in events.indices.filter { events[$0].replica == writer } }
        for run in typed {
            let own = run.reduce(0) { $0 | 1 << $1 }
            guard run.count >= 2, run.allSatisfy({ events[$0].past & ~own == 0 }) else { return }
            let forwards = zip(run, run.dropFirst()).allSatisfy { events[$1].position == events[$0].position + 1 }
            guard forwards || zip(run, run.dropFirst()).allSatisfy({ events[$1].position == events[$0].position }) else { return }
        }
        runs += 1
        let sides = order.map { events[$0].replica }
        let changes = zip(sides, sides.dropFirst()).count { $0 != $1 }
        try require(changes == 1, "runs are mixed: \(order) of \(events)")
    }
}
