import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Registers by key")
struct RegisterMapTests {
    private static func register(_ number: Int) -> MultiValue {
        let dot = Dot(origin: OriginID(rawValue: 1), sequence: UInt64(number + 1))
        return MultiValue(RegisterEntry(version: UInt32(number), dot: dot, stamp: .zero, value: .int(Int64(number))))
    }

    @Test(
        "answer as a dictionary does, whatever is set, changed, inserted and removed, and keep the order in which keys came",
        arguments: 0..<20)
    func model(seed: Int) {
        var random = CheckRandom(seed: seed)
        var map = RegisterMap()
        var model: [String: MultiValue] = [:]
        var hasRemoved = false
        var order: [String] = []
        for step in 0..<600 {
            let key = "key-\(random.below(40))", value = Self.register(step)
            if model[key] == nil { order.append(key) }
            switch random.below(seed % 2 == 0 ? 3 : 4) {
            case 0:
                map[key] = value
                model[key] = value
            case 1:
                map.update(key) { $0 = value }
                model[key] = value
            case 2:
                #expect(map.insert(key, value) == (model[key] == nil))
                if model[key] == nil { model[key] = value }
            default:
                map[key] = nil
                model[key] = nil
                hasRemoved = true
            }
            #expect(map[key] == model[key])
        }
        #expect(map.count == model.count && map.keys.count == map.registers.count)
        for (key, register) in zip(map.keys, map.registers) { #expect(model[key] == register && map[key] == register) }
        if !hasRemoved { #expect(map.keys == order) }
    }
}
