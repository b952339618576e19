/// Runs cases on several threads; throws what the first failing one says.
func inParallel(_ cases: Range<Int>, threads: Int = 2, _ body: @escaping @Sendable (Int) throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for thread in 0..<threads {
            group.addTask {
                for number in stride(from: cases.lowerBound + thread, to: cases.upperBound, by: threads) {
                    if Task.isCancelled { return }
                    try body(number)
                }
            }
        }
        try await group.waitForAll()
    }
}
