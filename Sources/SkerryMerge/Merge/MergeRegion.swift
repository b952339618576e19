/// One stretch of a three-way merge as positions of the three sequences.
struct MergeRegion: Hashable {
    enum Kind: Hashable {
        case unchanged, ours, theirs, alike, conflict
    }

    var kind: Kind
    var base: Range<Int>
    var ours: Range<Int>
    var theirs: Range<Int>
}

/// Three sequences of symbols on their way to a merge.
struct MergeInput {
    var base: [UInt32]
    var ours: [UInt32]
    var theirs: [UInt32]
    var symbolCount: Int
    /// For text, how well hunks of each side lie.
    var boundaries: (ours: BoundaryScores, theirs: BoundaryScores)?

    /// The stretches in order; together they cover all three sequences.
    ///
    /// Swapping `ours` and `theirs` swaps the result: nothing here prefers a side.
    func regions(_ rules: MergeRules) -> [MergeRegion] {
        let toOurs = Diff(symbols: base, to: ours, symbolCount: symbolCount, options: rules.diff, boundaries: boundaries?.ours)
        let toTheirs = Diff(symbols: base, to: theirs, symbolCount: symbolCount, options: rules.diff, boundaries: boundaries?.theirs)
        var walk = MergeWalk(input: self, ours: toOurs.hunks, theirs: toTheirs.hunks, rules: rules)
        return walk.run()
    }
}

/// Walks the hunks of both sides along the base.
private struct MergeWalk {
    let input: MergeInput
    let ours, theirs: [Hunk]
    let rules: MergeRules
    var regions: [MergeRegion] = []
    var nextOurs = 0, nextTheirs = 0
    /// Where the three sequences stand; before a stretch they correspond.
    var base = 0, atOurs = 0, atTheirs = 0

    mutating func run() -> [MergeRegion] {
        while let stretch = nextStretch() { append(stretch) }
        keep(upTo: input.base.count)
        return regions
    }

    /// A stretch of the base and the hunks within it.
    private struct Stretch {
        var base: Range<Int>
        var ours: Range<Int>
        var theirs: Range<Int>
    }

    /// The next hunk and all that touch it, and those that touch these.
    private mutating func nextStretch() -> Stretch? {
        let firstOurs = nextOurs, firstTheirs = nextTheirs
        guard let start = [start(ours, nextOurs), start(theirs, nextTheirs)].compactMap({ $0 }).min() else { return nil }
        var end = start
        while true {
            if let next = self.start(ours, nextOurs), next <= end {
                end = max(end, ours[nextOurs].source.upperBound)
                nextOurs += 1
            } else if let next = self.start(theirs, nextTheirs), next <= end {
                end = max(end, theirs[nextTheirs].source.upperBound)
                nextTheirs += 1
            } else {
                return Stretch(base: start..<end, ours: firstOurs..<nextOurs, theirs: firstTheirs..<nextTheirs)
            }
        }
    }

    private func start(_ hunks: [Hunk], _ index: Int) -> Int? {
        index < hunks.count ? hunks[index].source.lowerBound : nil
    }

    private mutating func append(_ stretch: Stretch) {
        keep(upTo: stretch.base.lowerBound)
        let oursRange = atOurs..<atOurs + stretch.base.count + growth(ours[stretch.ours])
        let theirsRange = atTheirs..<atTheirs + stretch.base.count + growth(theirs[stretch.theirs])
        let region = MergeRegion(
            kind: kind(stretch, oursRange, theirsRange), base: stretch.base, ours: oursRange, theirs: theirsRange)
        if region.kind == .conflict, rules.trimsConflicts { appendTrimmed(region) } else { regions.append(region) }
        base = stretch.base.upperBound
        atOurs = oursRange.upperBound
        atTheirs = theirsRange.upperBound
    }

    private func growth(_ hunks: ArraySlice<Hunk>) -> Int {
        hunks.reduce(0) { $0 + $1.target.count - $1.source.count }
    }

    private mutating func keep(upTo end: Int) {
        let count = end - base
        guard count > 0 else { return }
        regions.append(
            MergeRegion(
                kind: .unchanged, base: base..<end, ours: atOurs..<atOurs + count, theirs: atTheirs..<atTheirs + count))
        base = end
        atOurs += count
        atTheirs += count
    }

    private func kind(_ stretch: Stretch, _ oursRange: Range<Int>, _ theirsRange: Range<Int>) -> MergeRegion.Kind {
        if stretch.theirs.isEmpty { return .ours }
        if stretch.ours.isEmpty { return .theirs }
        if input.ours[oursRange] == input.theirs[theirsRange], rules.alike == .content || isSameHunk(stretch) { return .alike }
        if rules.insertBeatsDelete, oursRange.isEmpty != theirsRange.isEmpty { return oursRange.isEmpty ? .theirs : .ours }
        return .conflict
    }

    private func isSameHunk(_ stretch: Stretch) -> Bool {
        stretch.ours.count == 1 && stretch.theirs.count == 1
            && ours[stretch.ours.lowerBound].source == theirs[stretch.theirs.lowerBound].source
    }

    /// What both sides begin and end with is alike; the base stays whole with the conflict, since it has no part that corresponds.
    private mutating func appendTrimmed(_ region: MergeRegion) {
        let shorter = min(region.ours.count, region.theirs.count)
        var head = 0
        while head < shorter, input.ours[region.ours.lowerBound + head] == input.theirs[region.theirs.lowerBound + head] { head += 1 }
        var tail = 0
        while tail < shorter - head, input.ours[region.ours.upperBound - 1 - tail] == input.theirs[region.theirs.upperBound - 1 - tail] {
            tail += 1
        }
        let oursEnd = region.ours.upperBound - tail, theirsEnd = region.theirs.upperBound - tail
        let oursStart = region.ours.lowerBound + head, theirsStart = region.theirs.lowerBound + head
        appendAlike(region.base.lowerBound, region.ours.lowerBound..<oursStart, region.theirs.lowerBound..<theirsStart)
        regions.append(MergeRegion(kind: .conflict, base: region.base, ours: oursStart..<oursEnd, theirs: theirsStart..<theirsEnd))
        appendAlike(region.base.upperBound, oursEnd..<region.ours.upperBound, theirsEnd..<region.theirs.upperBound)
    }

    private mutating func appendAlike(_ base: Int, _ ours: Range<Int>, _ theirs: Range<Int>) {
        guard !ours.isEmpty else { return }
        regions.append(MergeRegion(kind: .alike, base: base..<base, ours: ours, theirs: theirs))
    }
}
