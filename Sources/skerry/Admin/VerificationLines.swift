import SkerryCodec
import Synchronization

/// The answer to ``AdminCall/verify``, line by line: `{"progress":{"records":…,"bytes":…}}` while it runs, then `{"report":…}` or an error.
///
/// The verification runs in a task of its own, which begins with the first line asked for and is cancelled when the last reference to the lines
/// goes. Of progress nobody has fetched yet only the newest step is kept.
final class VerificationLines: Sendable {
    private let lines: AsyncStream<Value>
    private let outcome: Task<Value, Never>
    private let isDone = Atomic(false)

    init(_ administration: any Administration) {
        let (lines, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(1))
        self.lines = lines
        outcome = Task {
            defer { continuation.finish() }
            do throws(AdminError) {
                let report = try await administration.verify { records, bytes in
                    continuation.yield(
                        .object(["progress": .object(["records": Value(integer: records), "bytes": Value(integer: bytes)])]))
                }
                return try .object(["report": AdminCall.encoded(report)])
            } catch {
                return error.answer
            }
        }
    }

    deinit { outcome.cancel() }

    /// The next line, nil after the last. For one caller at a time.
    func next() async -> Value? {
        for await line in lines { return line }
        guard !isDone.exchange(true, ordering: .relaxed) else { return nil }
        return await outcome.value
    }
}
