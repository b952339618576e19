/// What a simulated network does to packets, as probabilities and durations.
public struct NetworkConditions: Sendable, Hashable {
    /// The kinds of disturbance that may be drawn.
    public enum DisturbanceKind: Sendable, Hashable, CaseIterable {
        case cut, partition, restart
    }

    /// One way, at least.
    public var latency: Duration = .milliseconds(1)
    /// On top of it, evenly drawn.
    public var jitter: Duration = .zero
    /// Probabilities for each packet on lossy paths, 0 to 1.
    public var loss = 0.0
    public var duplication = 0.0
    public var reordering = 0.0
    public var corruption = 0.0
    /// Of each direction; nil for no bound.
    public var bytesPerSecond: Int?
    /// Mean time between disturbances; nil for none.
    public var disturbanceInterval: Duration?
    /// Which disturbances are drawn. Naming one twice makes it twice as likely.
    public var disturbances: [DisturbanceKind] = []
    /// Mean length of a partition.
    public var partitionLength: Duration = .milliseconds(500)

    public init() {}

    /// One machine room: 100 µs and no faults.
    public static var local: NetworkConditions {
        var conditions = NetworkConditions()
        conditions.latency = .microseconds(100)
        return conditions
    }

    /// A bad radio link: 40 ms with as much jitter, 5 % lost, some doubled, overtaken and damaged.
    public static var radio: NetworkConditions {
        var conditions = NetworkConditions()
        conditions.latency = .milliseconds(40)
        conditions.jitter = .milliseconds(40)
        conditions.loss = 0.05
        conditions.duplication = 0.02
        conditions.reordering = 0.05
        conditions.corruption = 0.01
        return conditions
    }
}
