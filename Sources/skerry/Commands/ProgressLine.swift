import Synchronization

/// Progress on standard error, a line each second; on a terminal the line is written over.
final class ProgressLine: Sendable {
    private let verb: String
    private let isTerminal = StandardOutput.errorIsTerminal
    private let shown = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter verb: What is going on, `verified`.
    init(_ verb: String) { self.verb = verb }

    func show(records: UInt64, bytes: UInt64) {
        let now = ContinuousClock.now
        let isDue = shown.withLock { last in
            if let last, now - last < .seconds(1) { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let text = "\(verb) \(records) records, \(ByteText(bytes))"
        // Erases what a longer line left behind.
        StandardOutput.writeError(isTerminal ? "\r\(text)\u{1B}[K" : text + "\n")
    }

    /// Ends the line, where one was written over.
    func end() {
        if isTerminal, shown.withLock({ $0 != nil }) { StandardOutput.writeError("\n") }
    }
}
