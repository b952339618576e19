public import SkerryCRDT

/// What came for one document in feeds and is not part of it yet: pieces of updates, and updates whose past is missing.
///
/// A value. The order in which entries of different origins come does not matter; of one origin they come in the order of their sequences, as feeds do. An
/// update that the document refuses is given up with an error and holds up no other.
///
/// What is in here is also durable, an entry each, until ``Settlement/done`` or ``Settlement/refused`` names it.
public struct DocumentInbox: Sendable {
    /// What came of ``settle(into:)``.
    public struct Settlement: Sendable {
        /// Events that are part of the document now and were not before.
        public var applied: [EventRange] = []
        /// Entries that are done with, ascending.
        public var done: [Dot] = []
        /// Entries that never become part of it, and why.
        public var refused: [DocumentFeedError] = []
        /// Events that others wait for, ascending, each once.
        public var missing: [Dot] = []
        /// Whether something builds on a past that was cut here.
        public var needsHistory = false
        /// Whether something that no removal had seen builds on what one had seen and what is not here: the document has to be put together anew.
        public var bringsBack = false

        public init() {}

        /// Adds what came of a later call.
        mutating func add(_ next: Settlement) {
            applied += next.applied
            done = (done + next.done).sorted()
            refused += next.refused
            missing = next.missing
            needsHistory = next.needsHistory
            bringsBack = next.bringsBack
        }
    }

    private struct Arrival: Sendable {
        var pieces: [[UInt8]]
        /// The entries that the pieces came in, ascending.
        var dots: [Dot]
        let count: Int
        var byteCount: Int
        /// Events that wait in the document; empty when it does not have them at all.
        var waits: [EventRange] = []
        /// Events that it waits for.
        var missing: Set<Dot> = []
        /// Where the document stood when it had no room for it, or refused it for now.
        var triedAt: CausalContext?

        var isWhole: Bool { pieces.count == count }
    }

    public let name: String
    /// By the entry that an update began with.
    private var arrivals: [Dot: Arrival] = [:]
    /// Of what waits.
    public private(set) var entryCount = 0
    public private(set) var byteCount = 0

    public init(name: String) { self.name = name }

    public var isEmpty: Bool { arrivals.isEmpty }

    /// Updates that wait for events, by their first entries.
    var waits: [DocumentReplica.Unread.Wait] {
        arrivals.filter { !$0.value.missing.isEmpty }.sorted { $0.key < $1.key }
            .map { DocumentReplica.Unread.Wait(dots: $0.value.dots, missing: $0.value.missing.sorted()) }
    }

    /// Takes the value of an entry.
    ///
    /// - Returns: entries that are given up because of it: an update whose rest cannot come any more.
    /// - Throws: ``DocumentFeedError``; the entry is not taken.
    public mutating func receive(_ dot: Dot, _ bytes: ArraySlice<UInt8>) throws(DocumentFeedError) -> [DocumentFeedError] {
        do throws(DocumentFeedError) {
            let value = try DocumentFeed.value(bytes)
            guard entryCount < DocumentLimits.waitingEntries, byteCount + bytes.count <= DocumentLimits.waitingBytes else {
                throw DocumentFeedError(.overflow, "\(entryCount) entries of \(byteCount) bytes wait")
            }
            let given = giveUp(before: dot, value)
            try add(value, at: dot)
            return given
        } catch {
            throw located(error, dot)
        }
    }

    /// By origin the first entry of its update that lacks pieces.
    public var openUpdates: [OriginID: UInt64] {
        // At most one of each: whatever else comes of an origin gives up what it has not finished.
        arrivals.reduce(into: [:]) { open, arrival in if !arrival.value.isWhole { open[arrival.key.origin] = arrival.key.sequence } }
    }

    private mutating func add(_ value: DocumentFeed.Value, at dot: Dot) throws(DocumentFeedError) {
        switch value {
        case .removal: throw DocumentFeedError(.mismatch, "a removal is no update")
        case .update(let bytes):
            guard arrivals[dot] == nil else { return }
            arrivals[dot] = Arrival(pieces: [Array(bytes)], dots: [dot], count: 1, byteCount: bytes.count)
        case .piece(0, let count, _, let bytes):
            guard arrivals[dot] == nil else { return }
            arrivals[dot] = Arrival(pieces: [Array(bytes)], dots: [dot], count: count, byteCount: bytes.count)
        case .piece(let index, let count, _, let bytes):
            if arrivals.contains(where: { $0.key.origin == dot.origin && $0.value.dots.contains(dot) }) { return }
            // At most one: whatever else comes of an origin gives up what it has not finished.
            let begun = arrivals.first { $0.key.origin == dot.origin && !$0.value.isWhole }
            guard let (first, arrival) = begun, arrival.count == count, arrival.pieces.count == index else {
                throw DocumentFeedError(.incomplete, "piece \(index) of \(count), whose first ones are not here")
            }
            arrivals[first]?.pieces.append(Array(bytes))
            arrivals[first]?.dots.append(dot)
            arrivals[first]?.byteCount += bytes.count
        }
        entryCount += 1
        byteCount += value.bytes.count
    }

    /// Updates of an origin that lack pieces, when something else of it comes for the document: pieces come one behind the other, or never. Between them an
    /// origin may write elsewhere.
    private mutating func giveUp(before dot: Dot, _ value: DocumentFeed.Value) -> [DocumentFeedError] {
        let torn = arrivals.filter { first, arrival in
            guard first.origin == dot.origin, !arrival.isWhole, let last = arrival.dots.last, last < dot else { return false }
            return value.index != arrival.pieces.count || value.count != arrival.count
        }
        return torn.keys.sorted().flatMap { first in
            remove(first).map { DocumentFeedError(.incomplete, "the rest of an update did not come", document: name, dot: $0) }
        }
    }

    /// Lets the document have everything that is whole, again and again as long as that brings more.
    ///
    /// - Parameter removed: what removals of the document had seen. An update that has nothing else is passed over, unless the document is back.
    /// - Complexity: each update is decoded once, and again where the document had no room for it before; twice where something was removed.
    public mutating func settle(into document: Document, removed: CausalContext = CausalContext()) -> Settlement {
        var settlement = Settlement()
        var isMoving = true
        while isMoving {
            isMoving = false
            for first in arrivals.keys.sorted() {
                guard let arrival = arrivals[first], arrival.isWhole else { continue }
                if !arrival.waits.isEmpty {
                    finishIfCovered(first, document.version, &settlement)
                    guard arrivals[first] != nil, arrival.missing.contains(where: document.version.covers) else { continue }
                    // What it waited for has come, and it waits on: the document says for what.
                    offer(first, to: document, removed, &settlement)
                    isMoving = true
                } else if arrival.triedAt == nil || arrival.triedAt != document.version {
                    offer(first, to: document, removed, &settlement)
                    isMoving = true
                }
            }
        }
        settlement.done.sort()
        settlement.missing = Set(arrivals.values.flatMap(\.missing)).sorted()
        return settlement
    }

    private mutating func offer(_ first: Dot, to document: Document, _ removed: CausalContext, _ settlement: inout Settlement) {
        guard let arrival = arrivals[first] else { return }
        arrivals[first]?.missing = []
        let update = arrival.pieces.count == 1 ? arrival.pieces[0] : Array(arrival.pieces.joined())
        do throws(DocumentError) {
            let isBack = document.version.dots.contains { removed.sequence(of: $0.origin) > 0 }
            if !removed.isEmpty, !isBack {
                switch try Self.standing(of: update, removed) {
                case .unseen: break
                case .seen: return settlement.done += remove(first)
                case .both:
                    settlement.bringsBack = true
                    arrivals[first]?.triedAt = document.version
                    return
                }
            }
            let result = try document.merge(update)
            if !isBack, result.missing.map(removed.covers) ?? false { settlement.bringsBack = true }
            settlement.applied += result.appliedRanges
            refuse(result, of: first, &settlement)
            guard arrivals[first] != nil else { return }
            let isFull = result.refused.contains { $0.missing != nil }
            arrivals[first]?.missing = Set(result.pending.map(\.missing) + result.refused.compactMap(\.missing))
            if isFull {
                arrivals[first]?.triedAt = document.version
            } else if result.pending.isEmpty {
                settlement.done += remove(first)
            } else {
                arrivals[first]?.waits = result.pending.map(\.events)
                finishIfCovered(first, document.version, &settlement)
            }
        } catch {
            refuse(first, error, document, &settlement)
        }
    }

    /// What of an update removals had seen.
    private enum Standing {
        case seen, unseen, both
    }

    private static func standing(of update: [UInt8], _ removed: CausalContext) throws(DocumentError) -> Standing {
        let result = try Document(origin: OriginID(rawValue: 0), now: { .max >> 16 }).merge(update)
        let ranges = result.appliedRanges + result.pending.map(\.events) + result.refused.map(\.events)
        if ranges.allSatisfy({ removed.covers(Dot(origin: $0.origin, sequence: $0.last)) }) { return .seen }
        return ranges.contains { removed.covers(Dot(origin: $0.origin, sequence: $0.first)) } ? .both : .unseen
    }

    private mutating func finishIfCovered(_ first: Dot, _ version: CausalContext, _ settlement: inout Settlement) {
        guard let arrival = arrivals[first] else { return }
        let isCovered = arrival.waits.allSatisfy { version.covers(Dot(origin: $0.origin, sequence: $0.last)) }
        if isCovered { settlement.done += remove(first) }
    }

    /// What the document found to be impossible: of this update, or of one that had waited in it.
    private mutating func refuse(_ result: ImportResult, of first: Dot, _ settlement: inout Settlement) {
        for refusal in result.refused where refusal.missing == nil {
            let owner = arrivals.keys.sorted().first { key in
                arrivals[key]?.waits.contains {
                    $0.origin == refusal.events.origin && $0.first <= refusal.events.last && $0.last >= refusal.events.first
                }
                    ?? false
            }
            giveUp(owner ?? first, refusal.error, &settlement)
        }
    }

    private mutating func refuse(_ first: Dot, _ error: DocumentError, _ document: Document, _ settlement: inout Settlement) {
        switch error.code {
        case .notFound:
            settlement.needsHistory = true
            arrivals[first]?.triedAt = document.version
        case .futureStamp, .unsupportedVersion: arrivals[first]?.triedAt = document.version
        default: giveUp(first, error, &settlement)
        }
    }

    private mutating func giveUp(_ first: Dot, _ error: DocumentError, _ settlement: inout Settlement) {
        for dot in remove(first) {
            settlement.refused.append(
                DocumentFeedError(.impossible, "the document refused it: \(error)", document: name, dot: dot, cause: error))
        }
    }

    /// Forgets an update; its entries.
    private mutating func remove(_ first: Dot) -> [Dot] {
        guard let arrival = arrivals.removeValue(forKey: first) else { return [] }
        entryCount -= arrival.pieces.count
        byteCount -= arrival.byteCount
        return arrival.dots
    }

    private func located(_ error: DocumentFeedError, _ dot: Dot) -> DocumentFeedError {
        var error = error
        (error.document, error.dot) = (name, dot)
        return error
    }
}
