import SkerryS3
import Synchronization

/// Requests answered, by operation and status, and how long they took: what `/metrics` shows of the S3 endpoint.
///
/// Safe from any thread; recording costs one uncontended lock and a dictionary lookup.
final class RequestCounters: Sendable {
    /// Upper bounds of the histogram's buckets, in microseconds: from a cached read to a large upload.
    static let bounds: [Int64] = [250, 1_000, 4_000, 16_000, 64_000, 250_000, 1_000_000, 4_000_000, 16_000_000]

    struct Line: Sendable, Hashable {
        var operation: String
        var status: Int
    }

    /// Times of one operation.
    struct Times: Sendable, Equatable {
        /// Requests in each bucket of ``RequestCounters/bounds`` and, last, above them all; not cumulative.
        var buckets = [UInt64](repeating: 0, count: RequestCounters.bounds.count + 1)
        var microseconds: Int64 = 0
    }

    struct Counts: Sendable {
        var requests: [Line: UInt64] = [:]
        var times: [String: Times] = [:]
        /// Of request bodies, as they travelled.
        var bytesReceived: UInt64 = 0
    }

    private let state = Mutex(Counts())

    var counts: Counts { state.withLock { $0 } }

    /// - Parameter operation: From a closed list of names: each becomes a line of metrics for good.
    func record(_ operation: String, status: Int, duration: Duration, bytesReceived: UInt64 = 0) {
        let microseconds = duration.microseconds
        let bucket = RequestCounters.bounds.firstIndex { microseconds <= $0 } ?? RequestCounters.bounds.count
        state.withLock { counts in
            counts.requests[Line(operation: operation, status: status), default: 0] += 1
            counts.times[operation, default: Times()].buckets[bucket] += 1
            counts.times[operation, default: Times()].microseconds += microseconds
            counts.bytesReceived += bytesReceived
        }
    }
}

extension RequestCounters: S3Observer {
    /// Stands for requests refused before it was known what they asked for.
    static let unknownOperation = "unknown"

    func answered(_ observation: S3Observation) {
        record(
            observation.operation?.rawValue ?? RequestCounters.unknownOperation, status: observation.status, duration: observation.duration,
            bytesReceived: observation.bytesReceived)
    }
}

extension Duration {
    /// Whole microseconds.
    fileprivate var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
