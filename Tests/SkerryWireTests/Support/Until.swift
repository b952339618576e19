import Testing

/// Waits until something holds and gives the processor away in between. After a minute, or when the test's own time is over, it
/// records what never came about and throws, so that a test that waits in vain fails instead of holding up the suite.
func until(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool) async throws {
    let start = ContinuousClock.now
    var turn = 0
    while try await !condition() {
        guard !Task.isCancelled, ContinuousClock.now - start < .seconds(60) else {
            Issue.record("in vain waited for: \(what)", sourceLocation: sourceLocation)
            throw WaitedInVain()
        }
        turn += 1
        // Other threads get the core now and then.
        if turn % 64 == 0 { try? await Task.sleep(for: .milliseconds(1)) } else { await Task.yield() }
    }
}

struct WaitedInVain: Error {}
