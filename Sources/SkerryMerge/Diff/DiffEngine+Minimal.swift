// Fewest edits: before the search, elements without a partner are set aside, and with them those that stand so often on the other side that
// they would tie a changed stretch to anything (the idea of GNU diff's analyze.c); the rest goes through the bidirectional search.

extension DiffEngine {
    /// How an element of one side stands to the other side.
    private enum Standing: UInt8 {
        /// It is nowhere there.
        case alone
        /// It is there, seldom enough to say something.
        case telling
        /// It is there very often.
        case common
    }

    /// How long an optimal path is looked for.
    enum Effort {
        /// As long as git looks: about the square root of the region, at least 256 edits from each end.
        case git
        /// At most 256 edits: for regions that have nothing to anchor them. It costs a few edits in a thousand, and makes the worst case linear.
        case bounded

        func costMaximum(_ diagonals: Int) -> Int {
            switch self {
            case .git: max(256, DiffEngine.roughRoot(diagonals))
            case .bounded: min(256, max(128, DiffEngine.roughRoot(diagonals) / 2))
            }
        }
    }

    /// Compares a trimmed region; how common an element is, is counted over the region `counting`.
    mutating func searchMinimal(_ region: Region, counting whole: Region, effort: Effort) {
        guard !region.isEmptyInA, !region.isEmptyInB else { return markChanged(region) }
        let sightings = sightings()
        for i in whole.a0..<whole.a1 { sightings[Int(a[i])].a &+= 1 }
        for j in whole.b0..<whole.b1 { sightings[Int(b[j])].b &+= 1 }
        // `Sighting.absent` plus one is zero, so counting began below zero.
        let limitA = Self.commonLimit(whole.a1 - whole.a0), limitB = Self.commonLimit(whole.b1 - whole.b0)
        let fromA = (region.a0..<region.a1).map { Self.standing(sightings[Int(a[$0])].b &+ 1, limitA) }
        let fromB = (region.b0..<region.b1).map { Self.standing(sightings[Int(b[$0])].a &+ 1, limitB) }
        for i in whole.a0..<whole.a1 { sightings[Int(a[i])] = .none }
        for j in whole.b0..<whole.b1 { sightings[Int(b[j])] = .none }

        let keptA = Self.kept(fromA, from: region.a0, changed: aChanged)
        let keptB = Self.kept(fromB, from: region.b0, changed: bChanged)
        search(keptA, keptB, effort)
    }

    private static func standing(_ count: UInt32, _ limit: UInt32) -> Standing {
        count == 0 ? .alone : count >= limit ? .common : .telling
    }

    /// About the square root, at most 1,024: from so many occurrences on an element is common.
    private static func commonLimit(_ count: Int) -> UInt32 { UInt32(min(roughRoot(count), 1024)) }

    /// The power of two next above the square root.
    static func roughRoot(_ count: Int) -> Int {
        var root = 1, rest = count
        while rest > 0 {
            root <<= 1
            rest >>= 2
        }
        return root
    }

    /// The positions that take part in the search; the others are marked as changed.
    private static func kept(_ standings: [Standing], from start: Int, changed: UnsafeMutablePointer<UInt8>) -> [UInt32] {
        var kept: [UInt32] = []
        kept.reserveCapacity(standings.count)
        let noise = NoiseCensus(standings)
        // Between two telling elements.
        var stretch = 0..<0
        for (offset, standing) in standings.enumerated() {
            if standing == .common, offset >= stretch.upperBound { stretch = noise.stretch(from: offset) }
            if standing == .telling || (standing == .common && !noise.isNoise(offset, in: stretch)) {
                kept.append(UInt32(truncatingIfNeeded: start + offset))
            } else {
                changed[start + offset] = 1
            }
        }
        return kept
    }

    /// Whether a common element stands amid elements without a partner, with at most a quarter of common ones among them.
    private struct NoiseCensus {
        /// How far it is looked either way, up to the first telling element.
        private static var window: Int { 100 }

        private let standings: [Standing]
        /// How many elements before an offset are alone.
        private let alone: [UInt32]

        init(_ standings: [Standing]) {
            self.standings = standings
            var count: UInt32 = 0
            alone = [UInt32](unsafeUninitializedCapacity: standings.count + 1) { alone, initialized in
                alone[0] = 0
                for (offset, standing) in standings.enumerated() {
                    if standing == .alone { count += 1 }
                    alone[offset + 1] = count
                }
                initialized = standings.count + 1
            }
        }

        /// The elements around an offset that are not telling, as far as the window of the last of them reaches back.
        func stretch(from offset: Int) -> Range<Int> {
            var start = offset, end = offset + 1
            while start > 0, offset - start < Self.window, standings[start - 1] != .telling { start -= 1 }
            while end < standings.count, standings[end] != .telling { end += 1 }
            return start..<end
        }

        func isNoise(_ offset: Int, in stretch: Range<Int>) -> Bool {
            let start = max(stretch.lowerBound, offset - Self.window), end = min(stretch.upperBound, offset + 1 + Self.window)
            let before = alone[offset] - alone[start], after = alone[end] - alone[offset + 1]
            guard before > 0, after > 0 else { return false }
            // The element itself counts on both sides.
            let common = end - start + 1 - Int(before + after)
            return common * 4 < common + Int(before + after)
        }
    }

    /// Symbols are numbered anew, in order of appearance: few different ones fit into a byte or two.
    private mutating func search(_ keptA: [UInt32], _ keptB: [UInt32], _ effort: Effort) {
        guard !keptA.isEmpty, !keptB.isEmpty else {
            for position in keptA { aChanged[Int(position)] = 1 }
            for position in keptB { bChanged[Int(position)] = 1 }
            return
        }
        let sightings = sightings()
        var different: UInt32 = 0
        let number = { (symbol: UInt32) in
            if sightings[Int(symbol)].a == Sighting.absent {
                sightings[Int(symbol)].a = different
                different += 1
            }
        }
        for position in keptA { number(a[Int(position)]) }
        for position in keptB { number(b[Int(position)]) }
        if different <= 1 << 8 {
            search(keptA, keptB, sightings, effort, UInt8.self)
        } else if different <= 1 << 16 {
            search(keptA, keptB, sightings, effort, UInt16.self)
        } else {
            search(keptA, keptB, sightings, effort, UInt32.self)
        }
        for position in keptA { sightings[Int(a[Int(position)])] = .none }
        for position in keptB { sightings[Int(b[Int(position)])] = .none }
    }

    private func search<Symbol: FixedWidthInteger & UnsignedInteger>(
        _ keptA: [UInt32], _ keptB: [UInt32], _ numbers: UnsafeMutablePointer<Sighting>, _ effort: Effort, _: Symbol.Type
    ) {
        let search = BidirectionalSearch<Symbol>(
            x: keptA.count, { numbers[Int(a[Int(keptA[$0])])].a }, y: keptB.count, { numbers[Int(b[Int(keptB[$0])])].a },
            costMaximum: effort.costMaximum(keptA.count + keptB.count + 3))
        search.run(onlyInX: { aChanged[Int(keptA[$0])] = 1 }, onlyInY: { bChanged[Int(keptB[$0])] = 1 })
    }
}
