/// The numbers of JSON.
extension ByteSource {
    /// The magnitude of the integer that is next; nil when 64 bits do not hold it.
    @inlinable
    mutating func integer(isNegative: Bool) throws(ShapeError) -> UInt64? {
        let start = cursor
        if isNegative { cursor += 1 }
        var magnitude: UInt64 = 0
        var overflows = false
        let first = cursor
        while cursor < end {
            let digit = load() &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            // Nineteen digits fit in any case.
            if cursor - first < 19 {
                magnitude = magnitude &* 10 &+ UInt64(digit)
            } else {
                let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
                let (sum, tooLargeNow) = product.addingReportingOverflow(UInt64(digit))
                overflows = overflows || tooLarge || tooLargeNow
                magnitude = sum
            }
            cursor += 1
        }
        let count = cursor - first
        guard count > 0, count == 1 || first.load(as: UInt8.self) != UInt8(ascii: "0") else { throw numberSyntax(start) }
        if cursor < end {
            let next = load()
            if next == UInt8(ascii: ".") || next | 0x20 == UInt8(ascii: "e") { throw notAnInteger(start) }
        }
        return overflows ? nil : magnitude
    }

    @inline(never) @usableFromInline
    func numberSyntax(_ place: UnsafeRawPointer) -> ShapeError {
        cursor == end
            ? truncated()
            : ShapeError(.syntax, "a number has digits, and no zero in front of others", at: place - start)
    }

    @inline(never) @usableFromInline
    mutating func notAnInteger(_ place: UnsafeRawPointer) -> ShapeError {
        cursor = place
        do throws(ShapeError) {
            _ = try scanNumber()
        } catch {
            return error
        }
        return ShapeError(.typeMismatch, "expected an integer, found a number with a fraction or an exponent", at: place - start)
    }

    @inline(never) @usableFromInline
    func numberOutOfRange<I: FixedWidthInteger>(_ type: I.Type, at place: Int) -> ShapeError {
        let digits = String(decoding: UnsafeRawBufferPointer(start: start + place, count: min(40, offset - place)), as: UTF8.self)
        return ShapeError(.outOfRange, "\(digits) does not fit \(I.isSigned ? "int" : "uint")\(I.bitWidth)", at: place)
    }

    /// The parts of a number: value = ±digits · 10^exponent. `digits` is exact unless `isLong`.
    struct Decimal {
        var digits: UInt64 = 0
        var exponent = 0
        var isNegative = false
        var isLong = false
        var isInteger = true
    }

    /// Moves over the number that is next.
    mutating func scanNumber() throws(ShapeError) -> Decimal {
        let start = cursor
        var number = Decimal()
        if cursor < end, load() == UInt8(ascii: "-") {
            number.isNegative = true
            cursor += 1
        }
        let first = cursor
        scanDigits(&number, isFraction: false)
        let count = cursor - first
        guard count > 0, count == 1 || first.load(as: UInt8.self) != UInt8(ascii: "0") else { throw numberSyntax(start) }
        if cursor < end, load() == UInt8(ascii: ".") {
            number.isInteger = false
            cursor += 1
            let first = cursor
            scanDigits(&number, isFraction: true)
            guard cursor > first else { throw numberSyntax(start) }
        }
        if cursor < end, load() | 0x20 == UInt8(ascii: "e") {
            number.isInteger = false
            cursor += 1
            try scanExponent(&number, start)
        }
        return number
    }

    private mutating func scanDigits(_ number: inout Decimal, isFraction: Bool) {
        while cursor < end {
            let digit = load() &- UInt8(ascii: "0")
            guard digit < 10 else { return }
            if number.digits < 1_000_000_000_000_000_000 {
                number.digits = number.digits &* 10 &+ UInt64(digit)
                if isFraction { number.exponent -= 1 }
            } else {
                number.isLong = true
            }
            cursor += 1
        }
    }

    private mutating func scanExponent(_ number: inout Decimal, _ start: UnsafeRawPointer) throws(ShapeError) {
        var isNegative = false
        if cursor < end, load() == UInt8(ascii: "-") || load() == UInt8(ascii: "+") {
            isNegative = load() == UInt8(ascii: "-")
            cursor += 1
        }
        let first = cursor
        var exponent = 0
        while cursor < end {
            let digit = load() &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            // Larger ones mean zero or infinity all the same.
            if exponent < 100_000 { exponent = exponent * 10 + Int(digit) }
            cursor += 1
        }
        guard cursor > first else { throw numberSyntax(start) }
        number.exponent += isNegative ? -exponent : exponent
    }

    /// Powers of ten that a double holds exactly.
    private static let exactPowers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    mutating func double() throws(ShapeError) -> Double {
        guard try isNumber() else { throw unexpected("a number") }
        let start = cursor
        let number = try scanNumber()
        // Two exact operands and one rounding give the nearest double (Clinger, PLDI 1990).
        if !number.isLong, number.digits <= 1 << 53, abs(number.exponent) <= 22 {
            let power = Self.exactPowers[abs(number.exponent)]
            let magnitude = number.exponent < 0 ? Double(number.digits) / power : Double(number.digits) * power
            return number.isNegative ? -magnitude : magnitude
        }
        guard let value = Double(text(from: start)), value.isFinite else { throw tooLarge(start, "double") }
        return value
    }

    mutating func float() throws(ShapeError) -> Float {
        guard try isNumber() else { throw unexpected("a number") }
        let start = cursor
        _ = try scanNumber()
        // Not by way of a double: that would round twice.
        guard let value = Float(text(from: start)), value.isFinite else { throw tooLarge(start, "float") }
        return value
    }

    private mutating func isNumber() throws(ShapeError) -> Bool {
        let first = try token()
        return first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") < 10
    }

    private func text(from start: UnsafeRawPointer) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: cursor - start), as: UTF8.self)
    }

    private func tooLarge(_ place: UnsafeRawPointer, _ type: String) -> ShapeError {
        ShapeError(.outOfRange, "\(text(from: place).prefix(40)) does not fit \(type)", at: place - start)
    }

    /// Whether the number that is next is an integer of 64 bits. What is no number is left to be found when it is read.
    mutating func kindOfNumber() -> Value.Kind {
        let start = cursor
        defer { cursor = start }
        guard let number = try? scanNumber(), number.isInteger, !number.isLong || cursor - start <= 20 else { return .double }
        cursor = start
        guard let magnitude = try? integer(isNegative: number.isNegative) else { return .double }
        if number.isNegative { return magnitude <= 1 << 63 ? .integer : .double }
        return magnitude <= UInt64(Int64.max) ? .integer : .unsigned
    }

    // MARK: Values nobody asked for

    /// Moves over one value of any kind and checks its grammar.
    @inline(never) @usableFromInline
    mutating func skipValue() throws(ShapeError) {
        switch try token() {
        case UInt8(ascii: "{"):
            try descend()
            cursor += 1
            var count = 0
            while try separator(isFirst: count == 0, close: UInt8(ascii: "}")) {
                count += 1
                guard load() == UInt8(ascii: "\"") else { throw syntax("a key") }
                try skipString()
                try colon()
                try skipValue()
            }
        case UInt8(ascii: "["):
            try descend()
            cursor += 1
            var count = 0
            while try separator(isFirst: count == 0, close: UInt8(ascii: "]")) {
                count += 1
                try skipValue()
            }
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try scanNumber()
        default: throw syntax("a value")
        }
    }

    private mutating func skipString() throws(ShapeError) {
        let (count, isASCII, isPlain) = try scanString()
        if isPlain {
            guard isASCII || UTF8Text.isValid(cursor + 1, count) else { throw invalidText() }
            cursor += count + 2
        } else {
            _ = try unescaped()
        }
    }
}
