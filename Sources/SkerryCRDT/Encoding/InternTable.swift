/// The origins that a stream has named, and what is expected of each next.
struct InternTable: Sendable {
    private(set) var origins: [OriginID] = []
    private var numbers: [OriginID: Int] = [:]
    private var next: [Int] = []
    private var current = -1
    var currentContainer = -1

    func number(of origin: OriginID) -> Int? {
        if current >= 0, origins[current] == origin { return current }
        return numbers[origin]
    }

    mutating func append(_ origin: OriginID) {
        numbers[origin] = origins.count
        origins.append(origin)
        next.append(0)
    }

    func isCurrent(_ number: Int) -> Bool { number >= 0 && current == number }

    mutating func makeCurrent(_ number: Int) { current = number }

    /// The sequence that follows the one last mentioned of an origin, from 0.
    func expected(of number: Int) -> Int { next[number] }

    mutating func expect(_ number: Int, next sequence: Int) { next[number] = sequence }
}
