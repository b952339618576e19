import SkerryCRDT
import Testing

@testable import SkerryGossip

/// The tree of edges over which entries go at once, and how it heals. Three desks in a triangle, of which the first one writes: its two edges are the tree, the third one is pruned.
@Suite("Edges of feeds")
struct FeedEdgeTests {
    private func isEager(_ desk: FeedDesk, _ peer: FeedDesk) -> Bool {
        desk.core.peers.contains { $0.id == FeedPeerID(rawValue: UInt32(peer.index)) && $0.isEager }
    }

    private func triangle(_ defects: FeedDefects = []) throws -> [FeedDesk] {
        let desks = (0..<3).map { FeedDesk($0) }
        for desk in desks { desk.core.defects = defects }
        try join(desks[0], desks[1])
        try join(desks[0], desks[2])
        try join(desks[1], desks[2])
        carry(desks)
        for number in 0..<3 {
            try desks[0].write("first \(number)")
            settle(desks, ticks: 2)
        }
        return desks
    }

    /// Nothing comes through between these two, and neither hears of it.
    private func silence(_ cut: Set<Int>, of desks: [FeedDesk], ticks: Int) {
        settle(desks, ticks: ticks) { from, to, bytes in cut == [from, to] ? [] : [bytes] }
    }

    @Test("T-11: an edge over which came only what was there is pruned on both sides, and the others stay")
    func prunes() throws {
        let desks = try triangle()
        #expect(!isEager(desks[1], desks[2]) && !isEager(desks[2], desks[1]))
        for other in [1, 2] { #expect(isEager(desks[0], desks[other]) && isEager(desks[other], desks[0])) }
        let repeated = desks.map(\.core.statistics.entriesRepeated)
        for number in 0..<20 {
            try desks[0].write("second \(number)")
            settle(desks, ticks: 2)
        }
        #expect(desks.map(\.core.statistics.entriesRepeated) == repeated, "each entry comes once to each")
        #if DEBUG
        let flooded = try triangle(.neverPrunes)
        #expect(isEager(flooded[1], flooded[2]) && isEager(flooded[2], flooded[1]))
        #endif
    }

    /// Whether what the first desk writes comes to the last one while the edge between them is silent: a first entry and then another, within so many ticks each.
    private func arrives(_ defects: FeedDefects, within ticks: [Int]) throws -> [Bool] {
        let desks = try triangle(defects)
        return try ticks.enumerated().map { number, ticks in
            try desks[0].write("cut \(number)")
            silence([0, 2], of: desks, ticks: ticks)
            return desks[2].value("cut \(number)") != nil
        }
    }

    /// Without a graft the lazy edge brings the entry at last, when its sender has seen for ``FeedLimits/lazyInterval`` that nobody else brought it.
    private static let graft = Int((FeedLimits.graftInterval + 4 * FeedLimits.tickInterval) / FeedLimits.tickInterval)

    @Test(
        "T-11: when an edge of the tree falls silent, what peers say that they have is asked for, and the edge to one of them is on the tree from then on"
    )
    func grafts() throws {
        #expect(try arrives([], within: [Self.graft, 2]) == [true, true])
        let desks = try triangle()
        try desks[0].write("cut")
        silence([0, 2], of: desks, ticks: Self.graft)
        #expect(desks[2].core.statistics.grafts == 1 && desks[1].core.statistics.grafts == 0)
        #expect(isEager(desks[1], desks[2]) && isEager(desks[2], desks[1]))
    }

    #if DEBUG
    @Test("T-11: never asking for what does not come is found")
    func neverGrafts() throws {
        #expect(try arrives(.neverGrafts, within: [Self.graft, 2]) == [false, false])
    }
    #endif

    @Test("T-11: whoever was asked and does not answer is passed over for the next one that has it")
    func passesOver() throws {
        // The last desk hears from all others what they have; the way to the writer and the first that it asks are silent.
        let desks = (0..<4).map { FeedDesk($0) }
        for one in 0..<4 { for other in (one + 1)..<4 { try join(desks[one], desks[other]) } }
        carry(desks)
        for number in 0..<4 {
            try desks[0].write("first \(number)")
            settle(desks, ticks: 2)
        }
        #expect([1, 2].allSatisfy { !isEager(desks[3], desks[$0]) && !isEager(desks[$0], desks[3]) })
        try desks[0].write("cut")
        var asked: [Int] = []
        settle(desks, ticks: Self.graft + Int(FeedLimits.graftNextInterval / FeedLimits.tickInterval)) { from, to, bytes in
            guard from == 3 || to == 3 else { return [bytes] }
            if from == 0 || to == 0 { return [] }
            guard case .frame(let frame)? = bytes.withUnsafeBytes({ try? FeedMessage(decoding: $0) }) else { return [bytes] }
            guard frame.edge == .graft else { return [bytes] }
            asked.append(to)
            // The first that is asked does not hear it.
            return asked.count == 1 ? [] : [bytes]
        }
        #expect(asked == [1, 2])
        #expect(desks[3].value("cut") != nil)
    }
}
