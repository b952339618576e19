extension Document {
    /// What waits for events that are missing; part of no version, history or snapshot, and gone with this object.
    public var pending: PendingSummary {
        withCore { core in PendingSummary(events: core.pending.events, bytes: core.pending.bytes, missing: core.pending.missing) }
    }

    /// Forgets what waits. It comes again with the next ``history(since:)`` of who has it.
    public func discardPending() { withCore { $0.pending.removeAll() } }

    /// Sets how much may wait, from the next import on; ``PendingLimits/standard`` when never called.
    public func limitPending(to limits: PendingLimits) { withCore { $0.pending.limits = limits } }
}
