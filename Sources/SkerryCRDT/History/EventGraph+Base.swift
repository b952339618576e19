extension EventGraph {
    /// Events whose effects are here and whose history is not: what a snapshot was opened from.
    ///
    /// In the graph they are one run that everything else follows, local versions `0 ..< count`. An event that does not follow all of
    /// them cannot be placed; the history has to be read first.
    struct Base: Sendable {
        var count = 0
        /// The events of the base that nothing in it follows.
        var heads: [Dot] = []
        /// By number of the origin.
        var sequences: [UInt32] = []

        func sequence(of origin: UInt32) -> Int { Int(origin) < sequences.count ? Int(sequences[Int(origin)]) : 0 }
    }

    /// Begins an empty graph behind a base; its origins have been numbered.
    mutating func start(from base: Base) {
        self.base = base
        guard base.count > 0 else { return }
        runs.append(
            Run(start: 0, origin: .max, sequence: 0, parents: 0, parentCount: 0, sawAll: true, previous: .max))
        count = base.count
        for (number, sequence) in base.sequences.enumerated() { sequences[number] = sequence }
        frontier.append(UInt32(count - 1))
        criticals.append(CriticalRange(first: 0, last: UInt32(count - 1)))
    }

    /// The base as a version.
    var baseVersion: CausalContext {
        CausalContext(
            covering: base.sequences.enumerated().filter { $0.element > 0 }.map {
                Dot(origin: origins[$0.offset], sequence: UInt64($0.element))
            })
    }

    /// What the first event of a run had seen.
    func parentDots(ofRun index: Int) -> [Dot] { parents(ofRun: index).flatMap { dots(at: Int($0)) } }

    var headDots: [Dot] { frontier.elements.flatMap { dots(at: Int($0)) } }

    private func dots(at version: Int) -> [Dot] { version < base.count ? base.heads : [dot(of: version)] }
}
