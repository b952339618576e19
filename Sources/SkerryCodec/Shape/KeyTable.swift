/// Wire keys laid out for matching and for copying: each plain, as a JSON member name, and as a CBOR text string.
///
/// - Invariant: the memory is written once, before the value is seen by anyone, and never freed.
@frozen
public struct KeyTable: @unchecked Sendable {
    // Sendable by the invariant above.
    @usableFromInline let entries: UnsafePointer<Entry>
    /// Number of keys.
    public let count: Int
    /// For each place in the order of the CBOR encodings, the key that stands there.
    @usableFromInline let cborOrder: UnsafePointer<Int>

    /// One key.
    @frozen
    public struct Entry {
        /// The first eight bytes, the first in the lowest bits, zeros beyond the end.
        @usableFromInline let word: UInt64
        /// Bytes of the key. The key is followed by seven bytes that may be read.
        @usableFromInline let keyCount: Int
        @usableFromInline let key: UnsafeRawPointer
        /// `,"key":`, escaped as JSON wants it, followed by seven bytes that may be read.
        @usableFromInline let json: UnsafeRawPointer
        @usableFromInline let jsonCount: Int
        /// Header and bytes of the CBOR text string.
        @usableFromInline let cbor: UnsafeRawPointer
        @usableFromInline let cborCount: Int
        /// The place of the key in the order of the CBOR encodings.
        @usableFromInline var cborRank = 0
        /// Whether a case carries something; false for fields.
        @usableFromInline let hasPayload: Bool

        /// The key as UTF-8.
        @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: key, count: keyCount) }
    }

    /// - Precondition: no key twice; each at most 65,535 bytes.
    init(_ keys: [String], of name: String, payloads: [Bool] = []) {
        precondition(Set(keys.map { Array($0.utf8) }).count == keys.count, "\(name) has a key twice: \(keys)")
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: max(1, keys.count))
        for (index, key) in keys.enumerated() {
            let hasPayload = index < payloads.count && payloads[index]
            (entries + index).initialize(to: Entry(Array(key.utf8), hasPayload: hasPayload))
        }
        let order = UnsafeMutablePointer<Int>.allocate(capacity: max(1, keys.count))
        let sorted = keys.indices.sorted { entries[$0].cborPrecedes(entries[$1]) }
        for (place, index) in sorted.enumerated() {
            (order + place).initialize(to: index)
            entries[index].cborRank = place
        }
        self.entries = UnsafePointer(entries)
        cborOrder = UnsafePointer(order)
        count = keys.count
    }

    /// The key at `index`.
    @inlinable
    public subscript(index: Int) -> Entry {
        @inline(__always) _read {
            assert(index >= 0 && index < count)
            yield entries[index]
        }
    }

    /// Where `key` stands in the table, or -1. Asks the place after `previous` first, which is right when keys arrive in order.
    @inlinable
    public func index(of key: UnsafeRawBufferPointer, after previous: Int) -> Int {
        let word = KeyTable.word(key)
        let next = previous &+ 1
        if next < count, matches(next, key, word) { return next }
        for index in 0..<count where matches(index, key, word) { return index }
        return -1
    }

    @inlinable @inline(__always)
    func matches(_ index: Int, _ key: UnsafeRawBufferPointer, _ word: UInt64) -> Bool {
        let entry = entries[index]
        guard entry.word == word, entry.keyCount == key.count else { return false }
        return key.count <= 8 || UnsafeRawBufferPointer(rebasing: key.dropFirst(8)).elementsEqual(entry.bytes.dropFirst(8))
    }

    /// The first eight bytes of `bytes`, the first in the lowest bits.
    @inlinable
    static func word(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        if bytes.count >= 8 { return UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) }
        var word: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            word |= UInt64(byte) &<< shift
            shift &+= 8
        }
        return word
    }
}

extension KeyTable.Entry {
    fileprivate init(_ utf8: [UInt8], hasPayload: Bool) {
        precondition(utf8.count <= 65_535, "a key of \(utf8.count) bytes")
        let json = [UInt8(ascii: ","), UInt8(ascii: "\"")] + JSONText.escaped(utf8) + [UInt8(ascii: "\""), UInt8(ascii: ":")]
        let cbor = CBORHead.bytes(major: 3, argument: UInt64(utf8.count)) + utf8
        word = utf8.withUnsafeBytes { KeyTable.word($0) }
        keyCount = utf8.count
        key = Self.immortal(utf8)
        self.json = Self.immortal(json)
        jsonCount = json.count
        self.cbor = Self.immortal(cbor)
        cborCount = cbor.count
        self.hasPayload = hasPayload
    }

    /// The deterministic order of RFC 8949 section 4.2.1: bytewise, of the encodings.
    fileprivate func cborPrecedes(_ other: Self) -> Bool {
        UnsafeRawBufferPointer(start: cbor, count: cborCount)
            .lexicographicallyPrecedes(UnsafeRawBufferPointer(start: other.cbor, count: other.cborCount))
    }

    private static func immortal(_ bytes: [UInt8]) -> UnsafeRawPointer {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 8, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        memory.copyBytes(from: bytes)
        return UnsafeRawPointer(memory.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 8)!)
    }
}
