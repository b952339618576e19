import SkerryCRDT

/// The laws of every state type that the library has.
enum StateLaws {
    struct Subject: Sendable {
        var name: String
        /// What was found wrong, on at least so many triples.
        var check: @Sendable (_ triples: Int, _ seed: UInt64) -> String?

        init<State: DeltaState & StateCodable, Operation: Sendable>(
            _ name: String, _ draw: @escaping @Sendable (inout LawRandom) -> Operation,
            _ apply: @escaping @Sendable (Operation, OriginID, inout State) -> State
        ) {
            self.name = name
            check = { triples, seed in
                // With some seeds each delta goes through its encoding, which is canonical.
                let checker = LawChecker<State, Operation>(draw: draw) { operation, origin, state in
                    let delta = apply(operation, origin, &state)
                    guard seed % 4 == 0 else { return delta }
                    guard let read = try? State(decoding: delta.encoded()), read.encoded() == delta.encoded() else { return State() }
                    return read
                }
                return checker.check(triples: triples, seed: seed)?.description
            }
        }
    }

    private static let members = ["a", "b", "é", "e\u{301}"]

    /// Something between 0 and 7, and which of two or three things to do with it.
    private struct Choice: Sendable {
        var number: Int
        var kind: Int
        var member: String { members[number % members.count] }
    }

    private static let draw: @Sendable (inout LawRandom) -> Choice = { Choice(number: $0.below(8), kind: $0.below(6)) }

    private static func stamp(_ choice: Choice) -> HybridTimestamp { HybridTimestamp(rawValue: UInt64(choice.number % 3)) }

    static let subjects: [Subject] = [
        Subject("Maximum", draw) { (choice, _, state: inout Maximum<UInt64>) in state.raise(to: UInt64(choice.number)) },
        Subject("Minimum", draw) { (choice, _, state: inout Minimum<Int64>) in state.lower(to: Int64(choice.number) - 4) },
        Subject("GCounter", draw) { (choice, origin, state: inout GCounter) in
            (try? state.add(choice.kind == 0 ? .max : UInt64(choice.number), by: origin)) ?? GCounter()
        },
        Subject("PNCounter", draw) { (choice, origin, state: inout PNCounter) in
            let amount = choice.kind == 0 ? Int64.min : choice.kind == 1 ? Int64.max : Int64(choice.number) - 4
            return (try? state.add(amount, by: origin)) ?? PNCounter()
        },
        Subject("LWWRegister", draw) { (choice, origin, state: inout LWWRegister<String>) in
            state.write(choice.kind == 0 ? nil : choice.member, stamp: stamp(choice), origin: OriginID(rawValue: origin.rawValue % 2))
        },
        Subject("LWWMap", draw) { (choice, origin, state: inout LWWMap<String, Int64>) in
            state.write(choice.kind == 0 ? nil : Int64(choice.kind), for: choice.member, stamp: stamp(choice), origin: origin)
        },
        Subject("StateMap of PNCounter", draw) { (choice, origin, state: inout StateMap<String, PNCounter>) in
            state.update(choice.member) { (try? $0.add(Int64(choice.kind) - 2, by: origin)) ?? PNCounter() }
        },
        Subject("CausalLengthSet", draw) { (choice, _, state: inout CausalLengthSet<DocumentValue>) in
            let member = DocumentValue.string(choice.member)
            return choice.kind < 3 ? state.insert(member) : state.remove(member)
        },
        Subject("CausalContext", draw) { (choice, origin, state: inout CausalContext) in
            let delta = CausalContext(covering: [Dot(origin: OriginID(rawValue: UInt64(choice.kind)), sequence: UInt64(choice.number) + 1)])
            state.join(delta)
            return delta
        },
        Subject("DotSet", draw) { (choice, origin, state: inout DotSet) in
            let delta = DotSet(Dot(origin: OriginID(rawValue: UInt64(choice.kind % 2)), sequence: UInt64(choice.number) + 1))
            state.join(delta)
            return delta
        },
        Subject("MVRegister", draw) { (choice, origin, state: inout MVRegister<String>) in
            choice.kind == 0 ? state.clear() : state.write(choice.member, by: origin)
        },
        Subject("AddWinsSet", draw) { (choice, origin, state: inout AddWinsSet<String>) in
            choice.kind < 4 ? state.insert(choice.member, by: origin) : state.remove(choice.member)
        },
        Subject("EnableWinsFlag", draw) { (choice, origin, state: inout EnableWinsFlag) in
            choice.kind < 4 ? state.enable(by: origin) : state.disable()
        },
        Subject("ORMap of AddWinsSet", draw) { (choice, origin, state: inout ORMap<String, DotMap<Int64, DotSet>>) in
            if choice.kind == 0 { return state.removeKey(choice.member) }
            return state.update(choice.member) { set in
                choice.kind < 4 ? set.insert(Int64(choice.kind), by: origin) : set.remove(Int64(choice.number % 3))
            }
        },
        Subject("ORMap of MVRegister", draw) { (choice, origin, state: inout ORMap<String, DotFunction<Int64>>) in
            if choice.kind == 0 { return state.removeKey(choice.member) }
            return state.update(choice.member) { $0.write(Int64(choice.kind), by: origin) }
        },
    ]

    /// Checks one type on triples made from several seeds.
    static func run(_ subject: Subject, triples: Int) throws {
        for seed in 0..<10 {
            if let found = subject.check(triples / 10, UInt64(seed)) { throw CheckFailure("\(subject.name), seed \(seed): \(found)") }
        }
    }
}
