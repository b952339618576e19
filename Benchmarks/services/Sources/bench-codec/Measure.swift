/// Prints `NAME NS`: the least time of one call over several rounds, because noise only adds.
func measure(_ name: String, rounds: Int = 9, iterations: Int = 40_000, _ body: () throws -> Void) rethrows {
    guard CommandLine.arguments.count < 2 || CommandLine.arguments.dropFirst().contains(where: { name.hasPrefix($0) }) else { return }
    let clock = ContinuousClock()
    for _ in 0..<iterations / 10 { try body() }
    var best = Duration.seconds(1_000)
    for _ in 0..<rounds {
        let start = clock.now
        for _ in 0..<iterations { try body() }
        best = min(best, clock.now - start)
    }
    let nanoseconds = Double(best.components.seconds) * 1e9 + Double(best.components.attoseconds) / 1e9
    print(name, (nanoseconds / Double(iterations) * 10).rounded() / 10)
}

/// Keeps the compiler from dropping what nobody uses: a byte of each result goes where it cannot follow.
@inline(never)
func keep<T>(_ value: T) {
    withUnsafeBytes(of: value) { kept &+= Int($0.first ?? 0) }
}

// Only the main thread measures.
nonisolated(unsafe) var kept = 0
