#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Gives equal lines of several texts the same small number, in order of first appearance.
///
/// An open-addressing table in one buffer: a slot holds half of a line's hash beside its number, so that a probe touches one cache line and
/// compares bytes only when it is all but sure. Hashes are salted anew for each table: no file can be made to collide, and as
/// numbers do not depend on hashes, results are the same every time.
struct LineInterner: ~Copyable {
    /// Hash tag in the upper half, number plus one in the lower; 0 is empty.
    private let slots: UnsafeMutablePointer<UInt64>
    private let mask: Int
    private let salt: UInt64
    /// The first line of each number.
    private let firsts: UnsafeMutablePointer<UnsafeRawBufferPointer>
    private var count = 0
    /// Keeps early loads of slots from being taken for useless.
    private var touched: UInt64 = 0

    /// A table for at most `lineCount` lines, never more than three quarters full.
    private init(lineCount: Int) {
        var capacity = 16
        while capacity * 3 < lineCount * 4 { capacity *= 2 }
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: 0, count: capacity)
        firsts = .allocate(capacity: lineCount + 1)
        mask = capacity - 1
        salt = .random(in: .min ... .max)
    }

    deinit {
        slots.deallocate()
        firsts.deallocate()
    }

    /// The numbers of the lines of each text, and how many different lines there are.
    static func symbols(of texts: [TextLines]) -> (symbols: [[UInt32]], count: Int) {
        var interner = LineInterner(lineCount: texts.reduce(0) { $0 + $1.count })
        var symbols: [[UInt32]] = []
        interner.intern(texts[...], into: &symbols)
        return (symbols, interner.count)
    }

    /// Nests, so that the bytes of all texts stay where they are while the table points at them.
    private mutating func intern(_ texts: ArraySlice<TextLines>, into symbols: inout [[UInt32]]) {
        guard let text = texts.first else { return }
        text.bytes.withUnsafeBytes { bytes in
            text.starts.withUnsafeBufferPointer { starts in
                symbols.append(
                    [UInt32](unsafeUninitializedCapacity: text.count) { numbers, initialized in
                        intern(bytes, starts, numbers)
                        initialized = text.count
                    })
            }
            intern(texts.dropFirst(), into: &symbols)
        }
    }

    private mutating func intern(
        _ bytes: UnsafeRawBufferPointer, _ starts: UnsafeBufferPointer<Int>, _ numbers: UnsafeMutableBufferPointer<UInt32>
    ) {
        guard let base = bytes.baseAddress else { return }
        let count = starts.count - 1
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.batch) { hashes in
            var line = 0
            while line < count {
                let end = min(count, line + Self.batch)
                // The slots of a batch are loaded one after the other without waiting, so that their cache misses overlap.
                for index in line..<end {
                    let hash = Self.hash(base + starts[index], starts[index + 1] - starts[index], salt)
                    hashes[index - line] = hash
                    touched ^= slots[Int(truncatingIfNeeded: hash) & mask]
                }
                for index in line..<end {
                    let bytes = UnsafeRawBufferPointer(start: base + starts[index], count: starts[index + 1] - starts[index])
                    numbers[index] = number(of: bytes, hash: hashes[index - line])
                }
                line = end
            }
        }
    }

    private static var batch: Int { 16 }

    @inline(__always)
    private mutating func number(of line: UnsafeRawBufferPointer, hash: UInt64) -> UInt32 {
        let tag = hash & 0xFFFF_FFFF_0000_0000
        var index = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[index]
            if slot == 0 {
                firsts[count] = line
                count += 1
                slots[index] = tag | UInt64(count)
                return UInt32(truncatingIfNeeded: count - 1)
            }
            if slot & 0xFFFF_FFFF_0000_0000 == tag {
                let number = Int(truncatingIfNeeded: slot & 0xFFFF_FFFF) - 1
                let first = firsts[number]
                if first.count == line.count, Self.isEqual(first, line) { return UInt32(truncatingIfNeeded: number) }
            }
            index = (index + 1) & mask
        }
    }

    @inline(__always)
    private static func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard let l = left.baseAddress, let r = right.baseAddress else { return true }
        return memcmp(l, r, left.count) == 0
    }

    /// Folds 16 bytes at a time by a 64-by-64-bit multiplication whose halves are combined, the mixing step of the wyhash family.
    @inline(__always)
    private static func hash(_ start: UnsafeRawPointer, _ count: Int, _ salt: UInt64) -> UInt64 {
        var state = salt ^ UInt64(truncatingIfNeeded: count)
        var position = start, rest = count
        while rest > 16 {
            state = fold(word(position) ^ 0x9E37_79B9_7F4A_7C15, word(position + 8) ^ state)
            position += 16
            rest -= 16
        }
        let low: UInt64, high: UInt64
        if rest >= 8 {
            low = word(position)
            high = word(position + rest - 8)
        } else if rest >= 4 {
            low = UInt64(position.loadUnaligned(as: UInt32.self))
            high = UInt64((position + rest - 4).loadUnaligned(as: UInt32.self))
        } else if rest > 0 {
            low = UInt64(position.load(as: UInt8.self)) << 8 | UInt64((position + rest / 2).load(as: UInt8.self))
            high = UInt64((position + rest - 1).load(as: UInt8.self))
        } else {
            low = 0
            high = 0
        }
        return fold(fold(low ^ 0xD6E8_FEB8_6659_FD93, high ^ state), 0xA076_1D64_78BD_642F)
    }

    @inline(__always)
    private static func word(_ pointer: UnsafeRawPointer) -> UInt64 { pointer.loadUnaligned(as: UInt64.self) }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
