/// When packets on a lossy link count as lost, and how many may be under way.
///
/// Round trips and the timer are those of RFC 6298; what counts as overtaken follows RFC 9002, by the order of sending rather than by numbers; the window is
/// NewReno's (RFC 6582) in packets.
struct Recovery: Sendable {
    private(set) var smoothed: Duration?
    private var variation = Duration.zero
    /// Doubled by each timer that fires in vain.
    private var backoff = 0
    private(set) var window = SessionLimits.congestionWindowInitial
    private var threshold = SessionLimits.reorderWindow
    /// Confirmed packets since the window last grew, in avoidance.
    private var credit = 0
    /// Packets sent up to here belong to the loss that was answered last.
    private var recoveredOrder: UInt64 = 0
    /// The packet sent last of those that were confirmed.
    private(set) var largestConfirmed: UInt64 = 0
    /// Packets sent on this link.
    private(set) var lastOrder: UInt64 = 0

    mutating func nextOrder() -> UInt64 {
        lastOrder += 1
        return lastOrder
    }

    /// After how long without an answer a packet is sent again.
    var timeout: Duration {
        guard let smoothed else { return min(SessionLimits.retransmissionInitial * (1 << backoff), SessionLimits.retransmissionMaximum) }
        let plain = smoothed + max(variation * 4, .milliseconds(1)) + SessionLimits.acknowledgementDelayLossy
        return min(max(plain, SessionLimits.retransmissionMinimum) * (1 << backoff), SessionLimits.retransmissionMaximum)
    }

    mutating func measured(_ sample: Duration) {
        guard let before = smoothed else {
            smoothed = sample
            variation = sample / 2
            return
        }
        let difference = before > sample ? before - sample : sample - before
        variation = (variation * 3 + difference) / 4
        smoothed = (before * 7 + sample) / 8
    }

    mutating func confirmed(_ record: Retention.Record, now: Moment) {
        largestConfirmed = max(largestConfirmed, record.order)
        backoff = 0
        if !record.wasResent, record.order > 0 { measured(now - record.sentAt) }
        guard window < SessionLimits.reorderWindow else { return }
        if window < threshold {
            window += 1
        } else {
            credit += 1
            if credit >= window {
                credit = 0
                window += 1
            }
        }
    }

    func isLost(_ record: Retention.Record) -> Bool {
        record.order + UInt64(SessionLimits.overtakenByLost) <= largestConfirmed
    }

    /// Packets up to `order` were found lost: the window is halved, once for each flight.
    mutating func lost(upTo order: UInt64) {
        guard order > recoveredOrder else { return }
        recoveredOrder = lastOrder
        window = max(2, window / 2)
        threshold = window
        credit = 0
    }

    /// The timer fired.
    mutating func timedOut() {
        backoff = min(backoff + 1, 6)
        threshold = max(2, window / 2)
        window = 2
        credit = 0
        recoveredOrder = lastOrder
    }

    /// A new link: its path may be another one.
    mutating func linkReplaced() {
        self = Recovery()
    }
}
