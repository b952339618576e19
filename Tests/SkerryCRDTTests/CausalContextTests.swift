import SkerryCRDT
import Testing

private func dot(_ origin: UInt64, _ sequence: UInt64) -> Dot { Dot(origin: OriginID(rawValue: origin), sequence: sequence) }

/// Contexts over three origins, by a simple generator.
private func samples(_ count: Int) -> [CausalContext] {
    var state: UInt64 = 42
    func next(_ bound: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % bound
    }
    return (0..<count).map { _ in CausalContext(covering: (0..<next(4)).map { _ in dot(next(3), 1 + next(5)) }) }
}

@Suite("A causal context")
struct CausalContextTests {
    @Test("covers what it has seen of each origin, and nothing else")
    func covers() {
        let context = CausalContext(covering: [dot(7, 3), dot(2, 9), dot(7, 1)])
        #expect(context.sequence(of: OriginID(rawValue: 7)) == 3)
        #expect(context.sequence(of: OriginID(rawValue: 5)) == 0)
        #expect(context.covers(dot(7, 3)))
        #expect(context.covers(dot(7, 2)))
        #expect(!context.covers(dot(7, 4)))
        #expect(!context.covers(dot(5, 1)))
        #expect(CausalContext().isEmpty)
        #expect(context.covers(CausalContext()))
        #expect(!CausalContext().covers(context))
    }

    @Test("is the same whatever order its dots came in")
    func orderOfDots() {
        let dots = [dot(3, 1), dot(1, 2), dot(2, 3), dot(1, 5)]
        let context = CausalContext(covering: dots)
        #expect(CausalContext(covering: dots.reversed()) == context)
        #expect(context.dots == [dot(1, 5), dot(2, 3), dot(3, 1)])
    }

    @Test("merge is commutative, associative, idempotent and the least upper bound")
    func laws() {
        let contexts = samples(12)
        func merged(_ left: CausalContext, _ right: CausalContext) -> CausalContext {
            var left = left
            left.merge(right)
            return left
        }
        for a in contexts {
            #expect(merged(a, a) == a)
            for b in contexts {
                let ab = merged(a, b)
                #expect(ab == merged(b, a))
                #expect(ab.covers(a) && ab.covers(b))
                #expect(a.covers(b) == (ab == a))
                for c in contexts {
                    #expect(merged(ab, c) == merged(a, merged(b, c)))
                    if c.covers(a), c.covers(b) { #expect(c.covers(ab)) }
                }
            }
        }
    }

    @Test("origins print as sixteen digits and sort as numbers")
    func origins() {
        #expect(OriginID(rawValue: 0xAB).description == "00000000000000ab")
        #expect(OriginID(rawValue: 2) < OriginID(rawValue: 10))
        #expect(dot(1, 9) < dot(2, 1))
        #expect(dot(1, 1) < dot(1, 2))
    }
}
