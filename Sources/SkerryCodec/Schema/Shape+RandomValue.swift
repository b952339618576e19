extension Shape {
    /// A value of this shape for property tests: mostly small, with the edges of each type more often than chance would have them.
    ///
    /// Read it as the type with ``Value/decode(_:limits:references:)``. The values of aliases without listed values are those of the
    /// carrier, which the type may refuse; doubles are finite.
    ///
    /// - Parameters:
    ///   - generator: where chance comes from; equal generators give equal values.
    ///   - size: most elements of a list and most levels of recursion, at least 0.
    public func randomValue(using generator: inout some RandomNumberGenerator, size: Int = 6) -> Value {
        var source = RandomValues(generator: generator)
        let value = source.value(of: self, size)
        generator = source.generator
        return value
    }
}

private struct RandomValues<Generator: RandomNumberGenerator> {
    var generator: Generator

    private mutating func chance(_ outOf: Int) -> Bool { Int.random(in: 0..<outOf, using: &generator) == 0 }

    mutating func value(of shape: Shape, _ size: Int) -> Value {
        switch shape {
        case .bool: return .bool(Bool.random(using: &generator))
        case .integer(let integer): return self.integer(integer)
        case .float: return .double(float())
        case .double: return .double(double())
        case .string: return .string(string(size))
        case .bytes:
            return .bytes(
                (0..<Int.random(in: 0...max(0, size * 3), using: &generator)).map { _ in .random(in: 0...255, using: &generator) })
        case .option(let wrapped): return option(wrapped, size)
        case .list(let element): return .list(elements(element, size))
        case .set(let element): return .list(Self.distinct(elements(element, size)))
        case .map(let key, let value): return map(key, value, size)
        case .record(let fields): return record(fields, size)
        case .variant(let cases): return variant(cases, size)
        case .alias(let alias): return alias.values.randomElement(using: &generator) ?? value(of: alias.carrier, size)
        case .reference: return .reference(.random(in: 0..<8, using: &generator))
        case .value: return dynamic(size)
        }
    }

    // MARK: Scalars

    private mutating func integer(_ integer: Shape.Integer) -> Value {
        let (lower, upper) = integer.bounds
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: return .int(lower)
        case 1: return Value(integer: upper)
        case 2: return .int(.random(in: max(lower, -40)...40, using: &generator))
        default:
            // As many bits as chance will have, so that all lengths of varints occur.
            let bits = UInt64.random(in: .min ... .max, using: &generator) >> UInt64.random(in: 0..<64, using: &generator)
            if lower < 0 { return .int(max(lower, min(Int64(upper), Int64(bitPattern: bits ^ (bits << 63))))) }
            return Value(integer: min(upper, bits))
        }
    }

    private mutating func double() -> Double {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: return 0
        case 1: return -0.0
        case 2:
            return [.leastNonzeroMagnitude, -.greatestFiniteMagnitude, .leastNormalMagnitude, 1.5, 65_504, 5.960464477539063e-8][
                Int.random(in: 0..<6, using: &generator)]
        case 3: return Double(Int.random(in: -1_000_000...1_000_000, using: &generator))
        case 4: return Double.random(in: -1...1, using: &generator)
        default:
            let value = Double(bitPattern: .random(in: .min ... .max, using: &generator))
            return value.isFinite ? value : 1
        }
    }

    private mutating func float() -> Double {
        let value = Float(bitPattern: .random(in: .min ... .max, using: &generator))
        return Double(value.isFinite ? value : 0.1)
    }

    private mutating func string(_ size: Int) -> String {
        if chance(8) { return "" }
        // Letters, what formats must escape, and what takes two, three and four bytes.
        let alphabet: [Character] = Array("abcxyz09 _-/$\"\\&<>();'\n\t\u{1}\u{7f}éßд中\u{2028}\u{fffd}🦭")
        let letters = chance(2) ? Array(alphabet.prefix(10)) : alphabet
        return String(
            (0...Int.random(in: 0...max(1, size * 4), using: &generator)).map { _ in letters.randomElement(using: &generator) ?? "a" })
    }

    // MARK: Containers

    private mutating func option(_ wrapped: Shape, _ size: Int) -> Value {
        if size <= 0 || chance(3) { return .null }
        let value = value(of: wrapped, size - 1)
        return wrapped.isNullable ? .list([value]) : value
    }

    private mutating func elements(_ shape: Shape, _ size: Int) -> [Value] {
        let count = size <= 0 ? 0 : Int.random(in: 0...size, using: &generator)
        return (0..<count).map { _ in value(of: shape, size / 2) }
    }

    private static func distinct(_ values: [Value]) -> [Value] {
        var seen: Set<Value> = []
        return values.filter { seen.insert($0).inserted }
    }

    private mutating func map(_ key: Shape, _ value: Shape, _ size: Int) -> Value {
        .map(Self.distinct(elements(key, size)).map { Value.Entry($0, self.value(of: value, size / 2)) })
    }

    private mutating func record(_ fields: Fields, _ size: Int) -> Value {
        var entries: [Value.Entry] = []
        for field in fields.list {
            let value = value(of: field.shape, size - 1)
            // An absent option is left out, and a default may be.
            if case .option = field.shape, value == .null { continue }
            if field.isOptional, chance(4) { continue }
            entries.append(Value.Entry(.string(field.key), value))
        }
        return .map(entries)
    }

    private mutating func variant(_ cases: Cases, _ size: Int) -> Value {
        let choices = size > 0 ? cases.list : [Self.shallowest(cases)]
        let choice = choices.randomElement(using: &generator) ?? cases.list[0]
        guard let payload = choice.payload else { return .string(choice.key) }
        return .map([Value.Entry(.string(choice.key), value(of: payload, size - 1))])
    }

    private mutating func dynamic(_ size: Int) -> Value {
        switch Int.random(in: 0..<(size > 0 ? 8 : 6), using: &generator) {
        case 0: .null
        case 1: .bool(.random(using: &generator))
        case 2: integer(chance(2) ? .int64 : .uint64)
        case 3: .double(double())
        case 4: .string(string(size))
        case 5: value(of: .bytes, size)
        case 6: .list(elements(.value, size))
        default: map(.string, .value, size)
        }
    }

    /// The case from which a value ends soonest, so that recursion ends at all.
    private static func shallowest(_ cases: Cases) -> Case {
        cases.list.min { height($0, []) < height($1, []) } ?? cases.list[0]
    }

    /// Levels that the least value of a case takes; a large number for those that contain themselves.
    private static func height(_ item: Case, _ open: Set<UInt>) -> Int {
        item.payload.map { height($0, open) + 1 } ?? 0
    }

    private static func height(_ shape: Shape, _ open: Set<UInt>) -> Int {
        let endless = 1_000
        switch shape {
        case .alias(let alias): return height(alias.carrier, open)
        case .record(let fields):
            guard !open.contains(fields.identity) else { return endless }
            let inner = open.union([fields.identity])
            return (fields.list.map { height($0.shape, inner) }.max() ?? 0) + 1
        case .variant(let cases):
            guard !open.contains(cases.identity) else { return endless }
            let inner = open.union([cases.identity])
            return (cases.list.map { height($0, inner) }.min() ?? 0) + 1
        default: return 0
        }
    }
}
