/// What became of imported events.
public struct ImportResult: Sendable, Hashable {
    /// Events that are now part of the document and were not before: of this import, and of earlier ones that had waited for it.
    public private(set) var applied = 0
    /// Events of this import that wait for their past, and for which event of it.
    public private(set) var pending: [Waiting] = []
    /// Events that were not taken, and why: what waits is full, or what waited turned out impossible when its past came.
    public private(set) var refused: [Refusal] = []

    // One range is what a live update brings; it takes no allocation.
    private var first: EventRange?
    private var rest: [EventRange] = []

    public init() {}

    /// What is now part of the document, in the order in which it became so.
    public var appliedRanges: [EventRange] { (first.map { [$0] } ?? []) + rest }

    /// The first event that is missing here and that others in the input build on; nil when the input was taken whole.
    public var missing: Dot? { pending.first?.missing ?? refused.first?.missing }

    /// Events that wait.
    public struct Waiting: Sendable, Hashable {
        public var events: EventRange
        /// An event that they build on and that is not here.
        public var missing: Dot
    }

    /// Events that were not taken.
    public struct Refusal: Sendable, Hashable {
        public var events: EventRange
        /// The event they would have waited for; nil when it had come.
        public var missing: Dot?
        public var error: DocumentError
    }

    mutating func apply(_ range: EventRange) {
        applied += range.count
        if first == nil { first = range } else { rest.append(range) }
    }

    mutating func wait(_ events: EventRange, for missing: Dot) { pending.append(Waiting(events: events, missing: missing)) }

    mutating func refuse(_ events: EventRange, missing: Dot?, _ error: DocumentError) {
        refused.append(Refusal(events: events, missing: missing, error: error))
    }

    /// Adds what a later part of the same input did.
    mutating func add(_ next: ImportResult) {
        let ranges = next.appliedRanges
        if !pending.isEmpty {
            // An origin's events become part in their order, so the last one of each tells.
            var reached: [OriginID: UInt64] = [:]
            for range in ranges { reached[range.origin] = max(reached[range.origin] ?? 0, range.last) }
            let settled = Set(next.refused.map(\.events)).union(next.pending.map(\.events))
            pending.removeAll { ($0.events.last <= reached[$0.events.origin] ?? 0) || settled.contains($0.events) }
        }
        for range in ranges { apply(range) }
        pending += next.pending
        refused += next.refused
    }
}
