/// How many retries the calls of one reference may still have: a bucket that each call fills a little, and that each retry empties by one.
struct RetryBudget: Sendable, Equatable {
    /// In thousandths of a retry, so that small parts add up to whole ones.
    private let perCall: Int
    private let maximum: Int
    private var stock: Int

    private static let whole = 1_000

    init(_ policy: RetryPolicy) {
        perCall = Int(min(max(policy.retriesPerCall, 0), 1) * Double(Self.whole))
        maximum = min(max(policy.budget, 0), 1_000_000) * Self.whole
        stock = maximum
    }

    /// A call is made for the first time.
    mutating func earn() { stock = min(maximum, stock + perCall) }

    /// Takes a retry. False says that there is none.
    mutating func spend() -> Bool {
        guard stock >= Self.whole else { return false }
        stock -= Self.whole
        return true
    }
}
