/// Gives equal elements the same small number, so that everything after it compares integers.
struct SymbolTable<Element: Hashable> {
    private var numbers: [Element: UInt32] = [:]

    /// Different elements seen so far; their numbers lie below.
    var count: Int { numbers.count }

    mutating func symbols(of elements: some Collection<Element>) -> [UInt32] {
        let count = elements.count
        precondition(count < 1 << 31, "a sequence of \(count) elements")
        var symbols: [UInt32] = []
        symbols.reserveCapacity(count)
        for element in elements { symbols.append(symbol(of: element)) }
        return symbols
    }

    private mutating func symbol(of element: Element) -> UInt32 {
        let next = UInt32(numbers.count)
        func assign(_ number: inout UInt32?) -> UInt32 {
            if number == nil { number = next }
            return number ?? next
        }
        // One probe for a known element and for a new one.
        return assign(&numbers[element])
    }
}
