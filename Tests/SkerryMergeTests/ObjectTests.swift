import Testing

@testable import SkerryMerge

extension SeededRandom {
    /// A value with maps, lists and objects of few identities.
    mutating func value(depth: Int = 0) -> ObjectValue {
        switch below(depth > 3 ? 5 : 9) {
        case 0: .null
        case 1: .bool(chance(50))
        case 2: .integer(Int64(below(20)) - 10)
        case 3: .number(Double(below(4)) / 2)
        case 4: .string("s\(below(5))")
        case 5: .bytes(letters(below(3), alphabet: 3))
        case 6, 7: .list((0..<below(4)).map { _ in value(depth: depth + 1) })
        default: .map(Dictionary((0..<below(4)).map { _ in ("k\(below(5))", value(depth: depth + 1)) }) { $1 })
        }
    }

    mutating func graph() -> ObjectGraph {
        var graph = ObjectGraph(root: .map(["items": .list([]), "value": value()]))
        graph.objects = Dictionary(
            (0..<below(4)).map { ("o\($0)", .map(["__id__": .string("o\($0)"), "v": value()])) }, uniquingKeysWith: { $1 })
        graph.root = .map([
            "items": .list(graph.objects.keys.sorted().map { .reference($0) }), "value": value(),
        ])
        return graph
    }
}

@Suite("Object graphs")
struct ObjectTests {
    @Test("G-14: a patch of graphs leads there and back", arguments: 0..<40)
    func patches(seed: Int) throws {
        var random = SeededRandom(seed)
        for _ in 0..<20 {
            let a = random.graph(), b = random.graph()
            let patch = ObjectPatch(from: a, to: b)
            #expect(try patch.applied(to: a) == b)
            #expect(try patch.inverted.applied(to: b) == a)
            #expect(patch.isEmpty == (a == b))
            #expect(ObjectPatch(from: a, to: a).isEmpty)
            if !patch.isEmpty { #expect(throws: ObjectError.self) { try patch.applied(to: b) } }
        }
    }

    @Test("G-14: edits are set, delete and splice by path, and objects go by identity")
    func edits() throws {
        let a = try ObjectGraph(.map(["list": .list([.integer(1), .map(["__id__": .string("x"), "n": .integer(1)])]), "gone": .null]))
        let b = try ObjectGraph(.map(["list": .list([.map(["__id__": .string("x"), "n": .integer(2)])])]))
        #expect(
            ObjectPatch(from: a, to: b).edits == [
                .set(ObjectPath(keys: ["gone"]), from: .null, to: nil),
                .splice(ObjectPath(keys: ["list"]), Patch(from: [.integer(1), .reference("x")], to: [.reference("x")])),
                .set(ObjectPath(object: "x", keys: ["n"]), from: .integer(1), to: .integer(2)),
            ])
        #expect("\(ObjectPath(object: "x", keys: ["n"]))" == "#x/n")
    }

    @Test("G-14: one object in two places, and one in itself, stay one object")
    func identity() throws {
        let shared = ObjectValue.map(["__id__": .string("s"), "me": .reference("s")])
        let graph = try ObjectGraph(.list([shared, shared, .reference("s")]))
        #expect(graph.root == .list([.reference("s"), .reference("s"), .reference("s")]))
        #expect(graph.value == .list([shared, .reference("s"), .reference("s")]))
        #expect(try ObjectGraph(graph.value) == graph)
        let error = #expect(throws: ObjectError.self) { try ObjectGraph(.list([shared, .map(["__id__": .string("s")])])) }
        #expect(error?.code == .identityTwice)
    }

    @Test("G-14: a move and an edit of one object do not meet; what is in use, or was edited, outlives its deletion")
    func objects() { #expect(Checks.objects(Subject()) == nil) }

    @Test("G-14: conflicts are named by path and settled by policy; upstream's is ours")
    func policies() {
        let graphs = [1, 2, 3].map { ObjectGraph(root: .map(["n": .integer($0), "m": .integer(0)])) }
        func settled(_ policy: ObjectMerge.Policy) -> ObjectValue {
            let merge = ObjectMerge(base: graphs[0], ours: graphs[1], theirs: graphs[2], policy: policy)
            #expect(merge.conflicts.map(\.path) == [ObjectPath(keys: ["n"])])
            guard case .map(let entries) = merge.graph.root else { return .null }
            return entries["n"] ?? .null
        }
        #expect(settled(.ours) == .integer(2))
        #expect(settled(.theirs) == .integer(3))
        #expect(settled(.base) == .integer(1))
        #expect(settled(.greatest) == .integer(3))
    }

    @Test("the identities of merging hold for graphs, and both nodes get the same", arguments: 0..<60)
    func identities(seed: Int) { #expect(Checks.objectLaws(Subject(), seeds: seed..<seed + 1) == nil) }

    @Test("elements that correspond are merged inside a list")
    func elementwise() {
        func root(_ a: Int64, _ b: Int64) -> ObjectGraph { ObjectGraph(root: .list([.map(["a": .integer(a), "b": .integer(b)])])) }
        let merge = ObjectMerge(base: root(1, 1), ours: root(2, 1), theirs: root(1, 2))
        #expect(merge.conflicts.isEmpty)
        #expect(merge.graph == root(2, 2))
    }

    @Test("a value has one encoding, and mutated bytes are refused or mean another value", arguments: 0..<40)
    func encoding(seed: Int) throws {
        var random = SeededRandom(seed)
        for _ in 0..<20 {
            let value = random.value()
            let bytes = value.encoded
            #expect(try ObjectValue(encoded: bytes) == value)
            let mutated = random.edited(bytes, edits: 1) { UInt8($0.below(256)) }
            if mutated != bytes, let other = try? ObjectValue(encoded: mutated) {
                #expect(other.encoded == mutated)
                #expect(other != value)
            }
        }
    }

    @Test("nesting is bounded before it is followed")
    func depth() {
        let deep = [UInt8](repeating: 0, count: 0) + (0..<100_000).flatMap { _ in [7, 1] as [UInt8] } + [0]
        let error = #expect(throws: FormatError.self) { try ObjectValue(encoded: deep) }
        #expect(error?.code == .tooLarge)
        #expect(throws: FormatError.self) { try ObjectValue(encoded: [7, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]) }
    }
}
