/// How fast a node may write: additive increase while its peers keep up, multiplicative decrease while one lags.
///
/// Van Renesse, Dumitriu, Gough, Thomas, "Efficient Reconciliation and Flow Control for Anti-Entropy Protocols" (2008): each node adapts by what it
/// sees alone, and two that talk move towards the mean of their rates, so that the share of each becomes fair. A token bucket turns the rate into
/// single admissions. It never stops writes: ``minimum`` remains, and peers that are away do not count.
public struct WriteRate: Sendable, Hashable {
    /// Entries a second that are always allowed.
    public var minimum: UInt64 = 100
    /// Entries a second at most.
    public var maximum: UInt64 = 1_000_000
    /// Added each ``interval`` in which nobody lags, entries a second.
    public var step: UInt64 = 2_000
    /// Milliseconds between adaptations.
    public var interval: UInt64 = 100

    /// Entries a second, now.
    public private(set) var rate: UInt64
    /// Thousandths of entries that may be written at once; at most a tenth of a second's worth.
    private var tokens: UInt64
    private var refilledAt: UInt64
    private var adaptedAt: UInt64

    /// Begins at the maximum: only a peer that lags slows a node down.
    public init(now: FeedInstant) {
        rate = maximum
        tokens = rate * 100
        refilledAt = now.monotonic
        adaptedAt = now.monotonic
    }

    /// Takes one entry from the bucket, or says how many milliseconds to wait before asking again.
    public mutating func admit(now: FeedInstant) -> UInt64? {
        refill(now)
        guard tokens >= 1_000 else { return max(1, (1_000 - tokens) / max(1, rate)) }
        tokens -= 1_000
        return nil
    }

    /// Adapts to the largest backlog among the peers that are connected, in entries.
    public mutating func adapt(backlog: UInt64, maximum bound: UInt64 = FeedLimits.backlogMaximum, now: FeedInstant) {
        guard now.monotonic >= adaptedAt + interval else { return }
        adaptedAt = now.monotonic
        refill(now)
        rate = backlog > bound ? Swift.max(minimum, rate / 2) : min(maximum, rate + step)
        tokens = min(tokens, rate * 100)
    }

    /// Moves half way to a peer's rate, as the peer moves to ours.
    public mutating func approach(_ other: UInt64) {
        let other = Swift.max(minimum, min(maximum, other))
        rate = (rate + other) / 2
    }

    private mutating func refill(_ now: FeedInstant) {
        guard now.monotonic > refilledAt else { return }
        let elapsed = min(now.monotonic - refilledAt, 1_000)
        tokens = min(rate * 100, tokens + elapsed * rate)
        refilledAt = now.monotonic
    }
}
