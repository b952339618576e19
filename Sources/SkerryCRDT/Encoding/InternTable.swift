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

    func isCurrent(_ origin: OriginID) -> Bool { current >= 0 && origins[current] == origin }

    mutating func makeCurrent(_ origin: OriginID) { current = number(of: origin)! }

    /// The sequence that follows the one last mentioned, from 0.
    func expected(of origin: OriginID) -> Int { next[number(of: origin)!] }

    mutating func expect(_ origin: OriginID, next sequence: Int) { next[number(of: origin)!] = sequence }
}
