import Testing

@testable import document_checks

/// The checks of `document-checks` at counts for an unoptimised build, where every assertion and index check is on.
@Suite("Checks of documents")
struct DocumentCheckTests {
    @Test(
        "random histories of every type agree with the model, their notices and their anchors", arguments: 0..<Soak.count(48, soak: 2_000))
    func histories(seed: Int) throws { try RandomHistories.run(seed: seed, changes: 40...120) }

    @Test("replays in other orders, through encodings, and in no order say the same", arguments: 0..<Soak.count(16, soak: 500))
    func replays(seed: Int) throws { try Replays.run(seed: seed, changes: 80...200, orders: 4) }

    @Test("the whole small scope of three events converges, whatever the order")
    func smallScope() throws {
        var scope = SmallScope()
        for length in 1...3 { try scope.run(length: length, share: 0, of: 1) }
        #expect(scope.histories > 400)
    }

    @Test("damaged bytes leave nothing behind, and small ones that claim to be large take no memory")
    func hostile() throws {
        let samples = try Hostile.samples()
        try Hostile.bombs()
        _ = try Hostile.histories(samples, seed: 1, count: 400)
        _ = try Hostile.snapshots(samples, seed: 2, count: 400)
        _ = try Hostile.frames(samples, seed: 3, count: 400)
        _ = try Hostile.states(samples, seed: 4, count: 1_200)
    }

    @Test(
        "recorded sessions end on their text, and say at versions on the way what they said",
        arguments: Soak.isOn ? Traces.names : ["friendsforever_flat"])
    func trace(name: String) throws { try Traces.run(name, looks: Soak.count(3, soak: 100)) }

    @Test("undo among others takes one's own and nothing else", arguments: 0..<Soak.count(40, soak: 2_000))
    func undo(seed: Int) throws { try Undoing.run(seed: seed) }
}
