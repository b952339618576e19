#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Walks over the records of one pack from an offset on, with one buffer for all of them.
///
/// - Complexity: O(bytes read); memory is the larger of ``windowSize`` and the largest record.
struct PackReader<File: OpenFile>: ~Copyable {
    /// Bytes fetched by one read.
    static var windowSize: Int { 1 << 20 }

    /// How far ``findSoundHeader()`` looks: past the largest record that can lie there.
    static var searchMaximum: UInt64 { UInt64(LogRecord.headerLength + LogRecord.fieldsMaximum + LogRecord.bodyMaximum) * 2 }

    enum Step {
        case record(RecordLocation, RecordHeader, LogRecord)
        /// Nothing but the end: the pack ends here, or zero bytes follow.
        case end
        /// Bytes that are no record.
        case damage(at: UInt64)
    }

    private let file: File
    private let number: UInt64
    private let salt: UInt64
    /// Bytes at and after this offset are not looked at.
    private let limit: UInt64
    private(set) var offset: UInt64
    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0

    init(file: File, header: PackHeader, from offset: UInt64, limit: UInt64) {
        self.file = file
        number = header.number
        salt = header.salt
        self.limit = limit
        self.offset = max(offset, UInt64(PackHeader.length))
    }

    /// The record at ``offset``, which moves behind it.
    mutating func next() throws(StorageError) -> Step {
        let headerLength = LogRecord.headerLength
        guard try fill(headerLength) else { return try remainderIsZero() ? .end : .damage(at: offset) }
        guard let header = view({ RecordHeader($0) }) else {
            return view { $0.prefix(headerLength).allSatisfy { $0 == 0 } } ? .end : .damage(at: offset)
        }
        guard header.recordLength <= limit - offset, try fill(Int(header.recordLength)), let record = soundRecord(header) else {
            return .damage(at: offset)
        }
        let location = RecordLocation(
            position: LogPosition(pack: number, offset: offset), fieldsLength: header.fieldsLength, bodyLength: header.bodyLength)
        offset = location.end.offset
        return .record(location, header, record)
    }

    /// Moves to the next sound record behind ``offset``, at whatever byte it begins.
    ///
    /// For the question whether unreadable bytes are a torn tail. Sound is a record whose header and fields match their checksum, which
    /// covers the place as well: neither old blocks nor a pack stored as somebody's object can pass.
    mutating func findSoundHeader() throws(StorageError) -> RecordHeader? {
        let searchEnd = min(limit, offset + PackReader.searchMaximum)
        while offset + UInt64(LogRecord.headerLength) < searchEnd {
            offset += 1
            guard try fill(LogRecord.headerLength) else { return nil }
            offset += UInt64(view { PackReader.distanceToMagic($0) })
            guard try fill(LogRecord.headerLength), let header = view({ RecordHeader($0) }) else { continue }
            let framed = LogRecord.headerLength + Int(header.fieldsLength)
            if try fill(framed), isFrameSound(header) { return header }
        }
        return nil
    }

    // MARK: -

    private func soundRecord(_ header: RecordHeader) -> LogRecord? {
        guard isFrameSound(header) else { return nil }
        return view { bytes in
            let bodyStart = LogRecord.headerLength + Int(header.fieldsLength)
            let body = UnsafeRawBufferPointer(rebasing: bytes[bodyStart..<bodyStart + Int(header.bodyLength)])
            guard crc32c(body) == header.bodyChecksum else { return nil }
            let fields = Array(bytes[LogRecord.headerLength..<bodyStart])
            return LogRecord(kind: LogRecord.Kind(rawValue: header.kind), fields: fields, body: Array(body)[...])
        }
    }

    private func isFrameSound(_ header: RecordHeader) -> Bool {
        view { RecordHeader.isSound($0, fieldsLength: header.fieldsLength, salt: salt, offset: offset) }
    }

    private mutating func remainderIsZero() throws(StorageError) -> Bool {
        view { $0.allSatisfy { $0 == 0 } }
    }

    /// The window from ``offset`` on.
    private func view<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        window.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[min($0.count, Int(offset - windowStart))...])) }
    }

    /// Makes `count` bytes from ``offset`` on stand in the window; false where the pack has fewer.
    private mutating func fill(_ count: Int) throws(StorageError) -> Bool {
        if offset >= windowStart, offset + UInt64(count) <= windowStart + UInt64(window.count) { return true }
        let wanted = Int(min(UInt64(max(count, PackReader.windowSize)), limit - min(limit, offset)))
        window = try file.read(at: offset, count: wanted)
        windowStart = offset
        return window.count >= count
    }

    /// Bytes up to the first place where a record's magic stands; all but the last three, which may begin one, when there is none.
    private static func distanceToMagic(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        let last = max(0, bytes.count - 3)
        var index = 0
        while index < last {
            guard let found = memchr(start + index, CInt(RecordHeader.magic & 0xFF), last - index) else { return last }
            index = UnsafeRawPointer(found) - start
            if bytes.load(UInt32.self, at: index) == RecordHeader.magic { return index }
            index += 1
        }
        return last
    }
}
