import SkerryCRDT
import SkerryStorage

/// The keys of rows in an engine; the layouts are fixed by `docs/formats/documents.md`.
///
/// Keys of documents begin with a zero identifier, which no bucket and no tenant has.
enum EngineKey {
    private static let space = [UInt8](repeating: 0, count: 8)

    static func document(_ name: String) -> [UInt8] { space + Array(name.utf8) }

    /// The name in a key of ``document(_:)``.
    static func name(_ key: UnsafeRawBufferPointer) -> String { String(decoding: key[space.count...], as: UTF8.self) }

    static func documents(prefix: String) -> KeyRange { KeyRange(prefix: document(prefix)) }

    static func chunk(_ document: UInt64, _ number: UInt64, part: Int) -> [UInt8] {
        var key = chunk(document, number)
        append(UInt32(part), to: &key)
        return key
    }

    /// Chunks of a document, by number.
    static func chunks(_ document: UInt64, _ range: Range<UInt64>) -> KeyRange {
        KeyRange(lower: chunk(document, range.lowerBound), upper: chunk(document, range.upperBound))
    }

    /// The number in a key of ``chunk(_:_:part:)``.
    static func chunkNumber(_ key: UnsafeRawBufferPointer) throws(StorageError) -> UInt64 {
        guard key.count == 28 else { throw StorageError(.corrupt, "a chunk's key of \(key.count) bytes") }
        return UInt64(bigEndian: key.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
    }

    static func snapshot(_ document: UInt64, part: Int) -> [UInt8] {
        var key = start(document)
        append(UInt32(part), to: &key)
        return key
    }

    static func snapshot(_ document: UInt64) -> KeyRange { KeyRange(prefix: start(document)) }

    static func feed(_ dot: Dot) -> [UInt8] {
        var key: [UInt8] = []
        append(dot.origin.rawValue, to: &key)
        append(dot.sequence, to: &key)
        return key
    }

    /// The entries of an origin behind a sequence.
    static func feed(_ origin: OriginID, after sequence: UInt64) -> KeyRange {
        let upper = origin.rawValue == .max ? nil : feed(Dot(origin: OriginID(rawValue: origin.rawValue + 1), sequence: 0))
        return KeyRange(lower: feed(Dot(origin: origin, sequence: sequence + 1)), upper: upper)
    }

    static func sequence(_ key: UnsafeRawBufferPointer) throws(StorageError) -> UInt64 {
        guard key.count == 16 else { throw StorageError(.corrupt, "a feed row's key of \(key.count) bytes") }
        return UInt64(bigEndian: key.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Settings and how far into the log the rows go.
    static let settings: [UInt8] = Array("d".utf8)
    /// Writers, by number.
    static let writers = KeyRange(prefix: Array("dw".utf8))

    static func writer(_ number: Int) -> [UInt8] {
        var key = Array("dw".utf8)
        append(UInt64(number), to: &key)
        return key
    }

    private static func start(_ document: UInt64) -> [UInt8] {
        var key = space
        append(document, to: &key)
        return key
    }

    private static func chunk(_ document: UInt64, _ number: UInt64) -> [UInt8] {
        var key = start(document)
        append(number, to: &key)
        return key
    }

    private static func append(_ value: some FixedWidthInteger, to key: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { key.append(contentsOf: $0) }
    }
}
