public import SkerryWire

/// How often calls of a reference are repeated, and when its peer is looked for again.
///
/// A call is repeated only when that cannot do it twice, or may: see ``Reference/retrying(to:options:policy:_:)``.
public struct RetryPolicy: Sendable {
    /// When to open a session again after one was lost or could not be opened. All calls of the reference share the attempts.
    public var reconnect = ReconnectPolicy()
    /// Attempts of one call, the first among them; at least 1.
    public var attemptMaximum = 4
    /// Retries that each call earns for all, 0 to 1: with 0.1, ten calls pay for one. So where all fail, retries add a tenth to what the peer has to bear.
    public var retriesPerCall = 0.1
    /// Retries in stock at the beginning, and at most; no more than a million.
    public var budget = 10
    /// Spreads the times of reconnection: from 0 up to, but not including, 1. A test gives what it likes.
    public var random: @Sendable () -> Double = { .random(in: 0..<1) }

    public init() {}
}
