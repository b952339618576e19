/// When to try again after a link was lost or could not be made: jittered exponential back-off under a retry budget.
///
/// A pure value. Time and randomness are arguments, so a simulation replays it:
///
/// ```swift
/// var attempts = ReconnectPolicy().attempts()
/// switch attempts.failed(now: elapsed, random: .random(in: 0..<1)) {
/// case .retry(let delay): …        // wait, connect, then connected(now:) or failed(now:random:) again
/// case .giveUp: …
/// }
/// ```
///
/// The delay before the attempt numbered n (from 0) lies between (1 - ``jitter``) and 1 of `min(maximum, initial * multiplier^n)`: spreading downwards
/// keeps the cap a cap, and a crowd that lost the same peer does not come back as one.
///
/// The budget is a bucket of tokens. Each retry takes one, and each ``refill`` gives one back; a retry that finds the bucket empty waits for the next
/// token. So a peer that accepts and drops at once, which looks like success each time, costs it no more than a peer that is away.
public struct ReconnectPolicy: Sendable, Hashable {
    /// Before the first retry. Short, because the first one finds out whether the peer's process is there at all.
    public var initial = Duration.milliseconds(20)
    /// No delay by back-off is longer.
    public var maximum = Duration.seconds(30)
    /// From one delay to the next, at least 1.
    public var multiplier = 2.0
    /// The part of the delay that is up to chance, 0 to 1.
    public var jitter = 0.5
    /// Retries in a row after which to give up, nil for never.
    public var retryMaximum: Int?
    /// Retries that may come as fast as the back-off allows, at least 1.
    public var budget = 20
    /// Time in which one retry is given back to the budget.
    public var refill = Duration.seconds(15)
    /// A link that lasted so long was good: the back-off begins anew after it.
    public var stable = Duration.seconds(10)

    public init() {}

    /// The state of the attempts to reach one peer, none made yet.
    public func attempts() -> Attempts { Attempts(policy: self) }

    /// What to do after a failure.
    public enum Decision: Sendable, Hashable {
        case retry(after: Duration)
        case giveUp
    }

    /// Attempts to reach one peer. Times are durations since any fixed point, and do not run backwards.
    public struct Attempts: Sendable, Hashable {
        public let policy: ReconnectPolicy
        /// Retries decided since the last link that was stable.
        public private(set) var retryCount = 0

        private var tokens: Double
        private var countedAt: Duration?
        private var connectedAt: Duration?

        fileprivate init(policy: ReconnectPolicy) {
            self.policy = policy
            tokens = Double(max(1, policy.budget))
        }
    }
}

extension ReconnectPolicy.Attempts {
    /// A link stands.
    public mutating func connected(now: Duration) {
        connectedAt = now
    }

    /// An attempt failed, or the link that stood was lost.
    ///
    /// - Parameter random: From 0 up to, but not including, 1.
    public mutating func failed(now: Duration, random: Double) -> ReconnectPolicy.Decision {
        if let connectedAt, now - connectedAt >= policy.stable { retryCount = 0 }
        connectedAt = nil
        if let maximum = policy.retryMaximum, retryCount >= maximum { return .giveUp }
        let delay = max(backOff(random: random), spend(now: now))
        retryCount += 1
        return .retry(after: delay)
    }

    private func backOff(random: Double) -> Duration {
        let spread = 1 - min(max(policy.jitter, 0), 1) * min(max(random, 0), 1)
        return ceiling * spread
    }

    /// By repeated multiplication and not by a power, which could overflow a duration.
    private var ceiling: Duration {
        var delay = min(policy.initial, policy.maximum)
        guard delay > .zero, policy.multiplier > 1 else { return max(delay, .zero) }
        var stepCount = 0
        while stepCount < retryCount, delay < policy.maximum {
            delay = min(delay * policy.multiplier, policy.maximum)
            stepCount += 1
        }
        return delay
    }

    /// Takes a token; how long to wait for it.
    private mutating func spend(now: Duration) -> Duration {
        let capacity = Double(max(1, policy.budget))
        if let countedAt, policy.refill > .zero { tokens = min(capacity, tokens + (now - countedAt) / policy.refill) }
        if policy.refill <= .zero { tokens = capacity }
        countedAt = now
        tokens -= 1
        return tokens >= 0 ? .zero : policy.refill * -tokens
    }
}
