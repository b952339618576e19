import SkerryCRDT
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryDocuments

@Suite("Origins, writers and clocks over a store's lives")
struct LifeTests {
    @Test("an opening takes a new writer, and keeps the feed's origin", arguments: Form.allCases)
    func writers(form: Form) async throws {
        let world = try World(form)
        var writers = Set<OriginID>()
        var origins = Set<OriginID>()
        for life in 0..<5 {
            let store = try await world.open()
            writers.insert(store.writer)
            origins.insert(store.origin)
            try await store.change("a") { $0.text("body").insert("life \(life) ", at: 0) }
            #expect(store.feedHeads == [Dot(origin: store.origin, sequence: UInt64(life + 1))])
            if life % 2 == 0 { try await store.close() } else { world.crash() }
            world.reopened()
        }
        #expect(writers.count == 5 && origins.count == 1)
    }

    @Test("a restored backup numbers nothing anew that was numbered before", arguments: Form.allCases)
    func restore(form: Form) async throws {
        let world = try World(form)
        let store = try await world.open()
        try await store.change("a") { $0.text("body").insert("backed up. ", at: 0) }
        try await store.compact()
        let backup = try world.copy()
        let live = store
        try await live.change("a") { $0.text("body").insert("lost. ", at: 0) }
        let peer = Document(origin: OriginID(rawValue: 9), now: { 1_800_000_100_000 })
        let document = try await live.document("a")
        try peer.merge(document)
        let heads = live.feedHeads

        var options = backup.options
        options.isRestored = true
        let restored = try await backup.open(options)
        #expect(restored.epoch == 2 && restored.origin != live.origin && restored.writer != live.writer)
        #expect(restored.feedHeads.contains { $0.origin == live.origin && $0.sequence == 1 })
        try await restored.change("a") { $0.text("body").insert("restored. ", at: 0) }
        let again = try await restored.document("a")
        try again.merge(peer)
        try peer.merge(again)
        #expect(again.text("body").string == peer.text("body").string)
        for part in ["backed up.", "lost.", "restored."] { #expect(again.text("body").string.contains(part)) }
        try await restored.commit(again)
        #expect(!Set(restored.feedHeads).isSuperset(of: heads))
        try await restored.close()
        // The epoch stays.
        backup.reopened()
        let later = try await backup.open()
        #expect(later.epoch == 2 && later.origin == restored.origin)
        try await later.close()
    }

    @Test("a store that wakes up elsewhere, or hears of commits it lacks, begins an epoch", arguments: Form.allCases)
    func epochs(form: Form) async throws {
        let world = try World(form)
        var options = world.options
        options.place = [1, 2, 3]
        var store = try await world.open(options)
        let first = store.origin
        try await store.change("a") { $0.counter("n") += 1 }
        try await store.close()
        world.reopened()
        store = try await world.open(options)
        #expect(store.origin == first && store.epoch == 1)
        try await store.close()
        world.reopened()
        options.place = [9]
        store = try await world.open(options)
        #expect(store.origin != first && store.epoch == 2)
        let second = store.origin
        #expect(try await !store.learn(peerHas: [Dot(origin: second, sequence: 0), Dot(origin: first, sequence: 50)]))
        #expect(try await store.learn(peerHas: [Dot(origin: second, sequence: 1)]))
        #expect(store.epoch == 3 && store.origin != second)
        try await store.change("a") { $0.counter("n") += 1 }
        world.crash()
        store = try await world.open(options)
        #expect(store.epoch == 3)
        #expect(try await store.document("a").counter("n").value == 2)
        #expect(try await store.feed(of: first).count == (form == .file ? 0 : 1))
        try await store.close()
    }

    @Test("a clock that was set back neither hides documents nor loses later writes to earlier ones", arguments: Form.allCases)
    func clock(form: Form) async throws {
        let world = try World(form)
        var store = try await world.open()
        try await store.change("a") { $0.register("r").value = "before" }
        let foreign = Document(origin: OriginID(rawValue: 3), now: { 1_800_000_050_000 })
        foreign.change { $0.register("far").value = "in the future, within the bound" }
        let document = try await store.document("a")
        try document.merge(foreign)
        try await store.commit(document)
        let mark = store.highWater
        #expect(mark.milliseconds >= 1_800_000_050_000)
        world.crash()
        world.time.store(1_800_000_000_000 - 3_600_000, ordering: .relaxed)
        store = try await world.open()
        let again = try await store.document("a")
        again.change { $0.register("r").value = "after" }
        // Written without having seen it, by a clock that is right: still the earlier one.
        let other = Document(origin: OriginID(rawValue: .max), now: { 1_800_000_000_500 })
        other.change { $0.register("r").value = "meanwhile" }
        try again.merge(other)
        #expect(again.register("r").value == .string("after"))
        try await store.commit(again)
        #expect(store.highWater > mark)
        try await store.close()
    }

    @Test("a clock that is put right while the store is open hides no document", arguments: Form.allCases)
    func putRight(form: Form) async throws {
        let world = try World(form)
        let store = try await world.open()
        let time = world.time.load(ordering: .relaxed)
        world.time.store(time + 600_000, ordering: .relaxed)
        try await store.change("a") { $0.register("r").value = "ahead" }
        world.time.store(time, ordering: .relaxed)
        #expect(store.evict("a"))
        try await store.change("a") { $0.register("r").value = "after" }
        let value = try await store.document("a").register("r").value
        #expect(value == .string("after"))
        try await store.close()
    }

    @Test("a store that is opened again and again does not run away from the clock", arguments: Form.allCases)
    func mark(form: Form) async throws {
        let world = try World(form)
        for _ in 0..<50 {
            let store = try await world.open()
            try await store.change("a") { $0.register("r").value = "now" }
            #expect(store.highWater.milliseconds <= world.time.load(ordering: .relaxed) + DocumentStore.markLead)
            world.crash()
        }
    }

    @Test("writers cost one byte in rows once they were met")
    func interning() async throws {
        let world = try World(.engine)
        let store = try await world.open()
        let document = try await store.document("a")
        for number in 0..<100 {
            let peer = Document(origin: OriginID(rawValue: 1_000_000_000_000 + UInt64(number)), now: { 1_800_000_000_000 })
            peer.change { $0.counter("n") += 1 }
            try document.merge(peer)
        }
        try await store.commit(document)
        let row = try #require(try world.metadata.withLock { $0 }.get(.current, EngineKey.document("a")))
        // A number and a sequence for each.
        #expect(row.count < 100 * 2 + 40)
        try await store.close()
    }
}
