import SkerryRocksDB
import SkerryStorage
import Synchronization
import Testing

/// A configuration whose packs are small and whose salts are 1, 2, 3 ...
func smallPacks(_ capacity: UInt64 = 4096) -> PackLogConfiguration {
    var configuration = PackLogConfiguration()
    configuration.packCapacity = capacity
    configuration.verifiedRecordsMaximum = 64
    let salts = Counter()
    configuration.salt = { salts.next() }
    return configuration
}

final class Counter: Sendable {
    private let value = Atomic<UInt64>(0)
    func next() -> UInt64 { value.add(1, ordering: .sequentiallyConsistent).newValue }
    var count: UInt64 { value.load(ordering: .sequentiallyConsistent) }
}

/// A record told apart from all others by its number; fields and body vary in length with it.
func record(_ number: Int, bodyCount: Int? = nil) -> LogRecord {
    let count = bodyCount ?? number * 37 % 300
    return LogRecord(
        kind: LogRecord.Kind(rawValue: UInt8(number % 5 + 1)),
        fields: [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)] + [UInt8](repeating: 0xF0, count: number % 7),
        body: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }[...])
}

/// The number that ``record(_:bodyCount:)`` was given.
func number(of record: LogRecord) -> Int { Int(record.fields[0]) | Int(record.fields[1]) << 8 }

extension LogRecord {
    /// Equality by content, slices compared by their elements.
    func equals(_ other: LogRecord) -> Bool {
        kind == other.kind && fields == other.fields && body.elementsEqual(other.body)
    }
}

extension PackEngine {
    func records(from position: LogPosition = .start) throws -> [(location: RecordLocation, record: LogRecord)] {
        var records: [(RecordLocation, LogRecord)] = []
        try replay(from: position) { location, record throws(StorageError) in
            records.append((location, record))
            return true
        }
        return records
    }

    func numbers(from position: LogPosition = .start) throws -> [Int] {
        try records(from: position).map { number(of: $0.record) }
    }
}

/// A file layer under test.
enum FileLayerKind: String, CaseIterable, Sendable {
    case memory
    case posix

    /// Runs `body` with a function that opens the log in one directory, as often as it is called.
    func withLog(
        _ configuration: PackLogConfiguration = smallPacks(),
        _ body: (_ open: (LogPosition) throws(StorageError) -> any PackEngine) throws -> Void
    ) throws {
        switch self {
        case .memory:
            let files = MemoryFileLayer()
            try body { applied throws(StorageError) in
                try PackLog(files: files, directory: "packs", applied: applied, configuration: configuration)
            }
        case .posix:
            try withTemporaryDirectory { directory in
                try body { applied throws(StorageError) in
                    try PackLog(
                        files: PosixFileLayer(), directory: directory + "/packs", applied: applied, configuration: configuration)
                }
            }
        }
    }
}
