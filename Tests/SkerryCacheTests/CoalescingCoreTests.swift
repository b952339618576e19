import SkerryCache
import Testing

/// The machine by hand: each race as the order of its events.
@Suite struct CoalescingCoreTests {
    typealias Core = CoalescingCore<String, Int, String>

    private func makeCore() -> Core { Core(cache: TwoQueueCache(capacity: 100)) }

    private func join(_ core: inout Core, _ key: String, as name: String) -> (action: Core.JoinAction, id: Core.WaiterID) {
        let id = core.makeWaiterID()
        return (core.join(key, waiter: name, as: id), id)
    }

    private func lead(_ core: inout Core, _ key: String) throws -> LoadToken<String> {
        guard case .lead(let token) = join(&core, key, as: "leader").action else { throw Unexpected() }
        return token
    }

    private struct Unexpected: Error {}

    @Test("H-06: the first that misses leads, the others wait, and all get what it read") func joining() throws {
        var core = makeCore()
        let token = try lead(&core, "a")
        guard case .wait = join(&core, "a", as: "second").action, case .wait = join(&core, "a", as: "third").action else {
            throw Unexpected()
        }
        let (inserted, waiters) = core.finish(token, with: 7, charge: 1)
        #expect(inserted)
        #expect(Set(waiters) == ["second", "third"])
        guard case .hit(7) = join(&core, "a", as: "fourth").action else { throw Unexpected() }
        #expect(core.loadingCount == 0)
        #expect(core.waiterCount == 0)
    }

    @Test("H-05: a load that began before an invalidation does not insert") func overtaken() throws {
        var core = makeCore()
        let token = core.begin("a")
        core.invalidate("a")
        #expect(core.finish(token, with: 1, charge: 1).inserted == false)
        #expect(core.value(for: "a") == nil)
        #expect(core.loadingCount == 0)
    }

    @Test func `a load that began before an update does not replace its value`() throws {
        var core = makeCore()
        let token = core.begin("a")
        core.update("a", to: 2, charge: 1)
        #expect(core.finish(token, with: 1, charge: 1).inserted == false)
        #expect(core.value(for: "a") == 2)
    }

    @Test func `a load that began after an invalidation inserts, and one from before does not come over it`() throws {
        var core = makeCore()
        let old = core.begin("a")
        core.invalidate("a")
        let new = core.begin("a")
        #expect(core.finish(new, with: 2, charge: 1).inserted == true)
        #expect(core.finish(old, with: 1, charge: 1).inserted == false)
        #expect(core.value(for: "a") == 2)
    }

    @Test func `an invalidation of another key changes nothing`() throws {
        var core = makeCore()
        let token = core.begin("a")
        core.invalidate("b")
        core.update("c", to: 3, charge: 1)
        #expect(core.finish(token, with: 1, charge: 1).inserted == true)
    }

    @Test func `who asks after an invalidation does not join the load from before it`() throws {
        var core = makeCore()
        let old = try lead(&core, "a")
        guard case .wait = join(&core, "a", as: "before").action else { throw Unexpected() }
        core.invalidate("a")
        let new = try lead(&core, "a")
        guard case .wait = join(&core, "a", as: "after").action else { throw Unexpected() }
        #expect(core.finish(old, with: 1, charge: 1).waiters == ["before"])
        #expect(core.value(for: "a") == nil)
        #expect(core.finish(new, with: 2, charge: 1).waiters == ["after"])
        #expect(core.value(for: "a") == 2)
    }

    @Test func `everything invalidated at once stops all loads from inserting`() throws {
        var core = makeCore()
        let tokens = ["a", "b", "c"].map { core.begin($0) }
        core.invalidateAll()
        for token in tokens { #expect(core.finish(token, with: 1, charge: 1).inserted == false) }
        #expect(core.cache.count == 0)
    }

    @Test func `an abandoned load leaves nothing behind and the next leads`() throws {
        var core = makeCore()
        let token = try lead(&core, "a")
        guard case .wait = join(&core, "a", as: "second").action else { throw Unexpected() }
        #expect(core.abandon(token) == ["second"])
        #expect(core.loadingCount == 0)
        _ = try lead(&core, "a")
    }

    @Test func `a token is good for one insertion`() throws {
        var core = makeCore()
        let token = core.begin("a")
        #expect(core.finish(token, with: 1, charge: 1).inserted == true)
        #expect(core.finish(token, with: 2, charge: 1).inserted == false)
        #expect(core.abandon(token) == [])
        #expect(core.value(for: "a") == 1)
    }

    @Test func `loads by hand and joined loads of one key end independently`() throws {
        var core = makeCore()
        let byHand = core.begin("a")
        let joined = try lead(&core, "a")
        #expect(core.finish(byHand, with: 1, charge: 1).inserted == true)
        #expect(core.loadingCount == 1)
        guard case .hit(1) = join(&core, "a", as: "x").action else { throw Unexpected() }
        #expect(core.finish(joined, with: 1, charge: 1).inserted == true)
        #expect(core.loadingCount == 0)
    }

    @Test func `a waiter that was called off is handed out once`() throws {
        var core = makeCore()
        let token = try lead(&core, "a")
        let (_, id) = join(&core, "a", as: "second")
        #expect(core.cancel(id) == "second")
        #expect(core.cancel(id) == nil)
        #expect(core.finish(token, with: 1, charge: 1).waiters == [])
        let late = try lead(&core, "b")
        let (_, lateID) = join(&core, "b", as: "third")
        #expect(core.finish(late, with: 1, charge: 1).waiters == ["third"])
        #expect(core.cancel(lateID) == nil)
    }
}
