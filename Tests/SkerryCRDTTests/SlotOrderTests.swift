import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("The order of a list's slots")
struct SlotOrderTests {
    @Test("answers as an array of slots does, whatever is inserted, removed, shown and hidden", arguments: 0..<40)
    func model(seed: Int) {
        var random = CheckRandom(seed: seed)
        var next = [0, 0, 0, 1, 64, 65, 1_024, 1_025, 5_000][seed % 9]
        var model = (0..<next).map { (slot: $0, isShown: random.chance(70)) }
        var order = SlotOrder(count: next) { slot in model[slot].isShown }
        check(order, model)
        let isAppending = seed % 3 == 0
        for step in 0..<1500 {
            let chance = random.below(100)
            if model.isEmpty || chance < (seed % 2 == 0 ? 70 : 50) {
                let position = isAppending && random.chance(80) ? model.count : random.below(model.count + 1)
                let isShown = random.chance(70)
                order.insert(next, isShown: isShown, at: position)
                model.insert((next, isShown), at: position)
                next += 1
            } else if chance < 85 {
                let position = random.below(model.count)
                order.remove(at: position)
                #expect(order.position(of: model[position].slot) == nil)
                model.remove(at: position)
            } else {
                let position = random.below(model.count)
                model[position].isShown.toggle()
                order.show(model[position].slot, model[position].isShown)
            }
            if step % 50 == 0 || step > 1490 { check(order, model) }
        }
    }

    private func check(_ order: borrowing SlotOrder, _ model: [(slot: Int, isShown: Bool)]) {
        order.checkInvariants()
        var listed: [Int] = []
        order.forEach { slot, _ in listed.append(slot) }
        #expect(listed == model.map(\.slot))
        let count = order.count, shownCount = order.shownCount
        #expect(count == model.count)
        var shown = 0
        var isRight = true
        for (position, entry) in model.enumerated() {
            if order.slot(at: position) != entry.slot || order.position(of: entry.slot) != position { isRight = false }
            if order.shownIndex(before: position) != shown { isRight = false }
            if entry.isShown {
                if order.position(ofShown: shown) != position { isRight = false }
                shown += 1
            }
        }
        #expect(isRight)
        #expect(shownCount == shown)
        let end = order.position(ofShown: shown)
        #expect(end == model.count)
    }
}
