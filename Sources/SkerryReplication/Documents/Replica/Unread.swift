internal import SkerryCRDT

// What lies beside a document is looked at each time something comes for it, and each time somebody asks for the document. To read all of it each time would
// be quadratic where much waits for what does not come. So the news are offered alone, with what waited for an event that the document has now, however that
// came: in an entry, by an exchange, in a snapshot. All of it is read where that can help:
//
// - what lies there has not been read in this life, or the document is another object since, which lost what waited in memory;
// - a removal came, or the document is to be put together anew;
// - half of it has come by what it waited for, or some beyond the bound, of which it is only known what the first of it waits for;
// - and, for what waits for something that no event tells (a clock, room in the document), after so many looks and entries: one, two, four and so on,
//   doubled by each reading that brought nothing, and at most as many as rows lie there. They are counted, not timed. So a reading that may be in vain costs
//   about a row for each entry that came since the last one.

extension DocumentReplica {
    /// What lies beside a document, as far as it is known without reading it. A value.
    struct Unread: Sendable {
        /// An update that waits.
        struct Wait: Sendable, Hashable {
            /// Its entries.
            var dots: [Dot]
            /// Events that it waits for.
            var missing: [Dot]

            func isFilled(at version: CausalContext) -> Bool { missing.contains(where: version.covers) }
        }

        /// The entries, and the bytes of each.
        private(set) var sizes: [Dot: Int] = [:]
        private(set) var bytes = 0
        /// So many rows lie there beside these: they are found by reading all.
        private(set) var others = 0
        /// Whether a removal is among them: the document is looked after whether or not it is in use.
        private(set) var hasRemoval = false
        /// Whether the document is being put together anew, and may not be all there.
        var isUnfinished = false

        /// Whether all of it has been offered to the document that there is.
        private var isOffered = false
        /// Whether all of it is being read, and was counted out.
        private var isBeingRead = false
        /// By origin the first entry that came since the last look.
        private var news: [OriginID: UInt64] = [:]
        /// By origin the first piece that came since then of an update whose last one has not: there is nothing to look at yet.
        private var pieces: [OriginID: UInt64] = [:]
        /// By origin the first entry of an update that lacks pieces.
        private var open: [OriginID: UInt64] = [:]
        /// By their first entries; at most ``DocumentLimits/waitingEntries``.
        private var waits: [Dot: Wait] = [:]
        /// For others, the first event of each writer that something waits for: a version that covers none of these covers no other either.
        private var missing: [OriginID: UInt64] = [:]
        /// Entries that came, and looks without any, since all was read.
        private var looks = 0
        /// Until it is read again though nothing says that it would help.
        private var patience = 1

        var entries: Int { sizes.count }
        var count: Int { entries + others }
        var isEmpty: Bool { count == 0 && !isBeingRead && !isUnfinished }
        var isMuch: Bool { others > 0 || entries > DocumentLimits.unreadEntries || bytes > DocumentLimits.unreadBytes }
        /// Whether it is looked after whoever uses the document.
        var isUrgent: Bool { hasRemoval || isUnfinished || isBeingRead }

        // MARK: - What comes and goes

        /// An entry came. Beyond the bounds it is only known that there is one more.
        ///
        /// - Parameter isLast: false for a piece behind which others come.
        mutating func insert(_ dot: Dot, bytes: Int, isRemoval: Bool = false, isLast: Bool = true) {
            if isLast {
                news[dot.origin] = min(news[dot.origin] ?? .max, dot.sequence)
            } else {
                pieces[dot.origin] = min(pieces[dot.origin] ?? .max, dot.sequence)
            }
            looks += 1
            hasRemoval = hasRemoval || isRemoval
            add(dot, bytes)
        }

        private mutating func add(_ dot: Dot, _ size: Int) {
            let isKnown = sizes[dot] != nil
            guard isKnown || (entries < DocumentLimits.waitingEntries && bytes + size <= DocumentLimits.waitingBytes) else {
                others += 1
                return
            }
            bytes += size - (sizes.updateValue(size, forKey: dot) ?? 0)
        }

        /// An entry is done with.
        mutating func remove(_ dot: Dot) {
            waits[dot] = nil
            if let size = sizes.removeValue(forKey: dot) {
                bytes -= size
            } else if others > 0, !isBeingRead || isNew(dot) {
                others -= 1
            }
        }

        private func isNew(_ dot: Dot) -> Bool {
            min(news[dot.origin] ?? .max, pieces[dot.origin] ?? .max) <= dot.sequence
        }

        /// The document is another object: what waited in the one before is gone.
        mutating func documentChanged() { isOffered = false }

        // MARK: - Looking

        /// What is to be read.
        enum Reading: Sendable, Hashable {
            case nothing
            /// By origin from an entry on, and single entries beside these.
            case some(from: [Dot], and: [Dot])
            case all
        }

        /// Begins a look at a document that stands at a version; ``ended(_:_:)`` or ``failed(_:)`` follows.
        mutating func begin(at version: CausalContext) -> Reading {
            if news.isEmpty { looks += 1 }
            let filled = waits.values.filter { $0.isFilled(at: version) }.flatMap(\.dots)
            guard !isDue, !wantsAll(at: version), filled.isEmpty || filled.count * 2 < count else {
                beginAll()
                return .all
            }
            let first = newsWithTheirPieces
            for dot in first { pieces[dot.origin] = nil }
            news = [:]
            let again = filled.filter { dot in !first.contains { $0.origin == dot.origin && $0.sequence <= dot.sequence } }
            return first.isEmpty && again.isEmpty ? .nothing : .some(from: first, and: again.sorted())
        }

        private var isDue: Bool { looks >= min(patience, max(1, count)) }

        private func wantsAll(at version: CausalContext) -> Bool {
            !isOffered || hasRemoval || isUnfinished || missing.contains { version.sequence(of: $0.key) >= $0.value }
        }

        /// Whether the document has something now that more than the news waited for.
        func isFilled(at version: CausalContext) -> Bool {
            wantsAll(at: version) || waits.values.contains { $0.isFilled(at: version) }
        }

        private mutating func beginAll() {
            (sizes, bytes, others, news, pieces, looks) = ([:], 0, 0, [:], [:], 0)
            isBeingRead = true
        }

        /// An update of which a piece is new is read from its first one on.
        private var newsWithTheirPieces: [Dot] {
            news.map { origin, first in
                Dot(origin: origin, sequence: min(first, pieces[origin] ?? .max, open[origin] ?? .max))
            }.sorted()
        }

        /// A look has come to its end.
        mutating func ended(_ reading: Reading, _ found: Found) {
            if reading == .all { endAll(found) }
            for dot in found.read { waits[dot] = nil }
            for origin in found.origins { open[origin] = found.open[origin] }
            for wait in found.waits { note(wait) }
            for (writer, sequence) in found.missing { missing[writer] = min(missing[writer] ?? .max, sequence) }
        }

        private mutating func endAll(_ found: Found) {
            for (dot, size) in found.left { add(dot, size) }
            others += found.othersLeft
            hasRemoval = !news.isEmpty && hasRemoval
            (isBeingRead, isOffered) = (false, true)
            (open, waits, missing) = ([:], [:], [:])
            patience = found.isMoving ? 1 : min(patience * 2, 1 << 30)
        }

        private mutating func note(_ wait: Wait) {
            guard let first = wait.dots.first else { return }
            if waits[first] != nil || waits.count < DocumentLimits.waitingEntries {
                waits[first] = wait
            } else {
                for dot in wait.missing { missing[dot.origin] = min(missing[dot.origin] ?? .max, dot.sequence) }
            }
        }

        /// A look was given up: what it was to read is still to be read.
        mutating func failed(_ reading: Reading) {
            switch reading {
            case .nothing: break
            case .some(let first, _):
                // The others still wait, and are found to be filled again.
                for dot in first { news[dot.origin] = min(news[dot.origin] ?? .max, dot.sequence) }
            case .all:
                // Nobody knows how much there is, but for those that came meanwhile.
                others += 1
                (isBeingRead, isOffered) = (false, false)
            }
        }
    }

    /// What a look found beside a document.
    struct Found: Sendable {
        /// Entries that were read; not where all were.
        var read: [Dot] = []
        /// Origins of which all was read from some entry on.
        var origins: Set<OriginID> = []
        /// By origin the first entry of an update that lacks pieces.
        var open: [OriginID: UInt64] = [:]
        /// What waits for events; beyond the bound the first event of each writer that something waits for.
        var waits: [Unread.Wait] = []
        var missing: [OriginID: UInt64] = [:]
        /// What stays of what was there when the look began, as far as it is known entry by entry; and how much more.
        var left: [(dot: Dot, bytes: Int)] = []
        /// The last one that stays.
        var last: Dot?
        var othersLeft = 0
        /// Whether anything became part of the document, or was done with.
        var isMoving = false
    }
}
