import Synchronization

/// The answer to ``AdminCall/verify``, line by line: `{"progress":{"records":…,"bytes":…}}` while it runs, then `{"report":…}` or an error.
///
/// The verification runs in a task of its own, which begins with the first line asked for and is cancelled when the last reference to the lines
/// goes. Of progress nobody has fetched yet only the newest step is kept.
final class VerificationLines: Sendable {
    private let lines: AsyncStream<JSONValue>
    private let outcome: Task<JSONValue, Never>
    private let isDone = Atomic(false)

    init(_ administration: any Administration) {
        let (lines, continuation) = AsyncStream.makeStream(of: JSONValue.self, bufferingPolicy: .bufferingNewest(1))
        self.lines = lines
        outcome = Task {
            defer { continuation.finish() }
            do throws(AdminError) {
                let report = try await administration.verify { records, bytes in
                    continuation.yield(["progress": ["records": .number(records), "bytes": .number(bytes)]])
                }
                return ["report": report.json]
            } catch {
                return error.json
            }
        }
    }

    deinit { outcome.cancel() }

    /// The next line, nil after the last. For one caller at a time.
    func next() async -> JSONValue? {
        for await line in lines { return line }
        return isDone.exchange(true, ordering: .relaxed) ? nil : await outcome.value
    }
}
