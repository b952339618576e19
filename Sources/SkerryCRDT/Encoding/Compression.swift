/// A small compressor for columns and typed text: a binary arithmetic coder behind two mixed context models.
///
/// Each bit is predicted from the bits of its byte so far together with the byte before and with the two bytes before; the two predictions
/// are mixed in the logistic domain with weights that learn. Mahoney's lpaq, cut down: typed text has few long repeats, so modelling
/// beats Lempel-Ziv on it (automerge-paper's 182 kB: 62 kB here, about 85 kB with LZ4), at about 10 MB/s, which history can afford.
///
/// Both sides compute in integers only, so every machine reads what any other wrote.
enum Compression {
    /// The compressed form is padded to this ratio, so that a few bytes cannot claim to be many.
    static let ratioMaximum = 256

    static func compress(_ source: UnsafeBufferPointer<UInt8>, into writer: inout ByteWriter) {
        let start = writer.bytes.count
        var model = ContextModel(byteCount: source.count)
        var low: UInt32 = 0, high = UInt32.max
        for byte in source {
            for shift in stride(from: 7, through: 0, by: -1) {
                let bit = UInt32(byte >> UInt8(shift)) & 1
                let middle = Self.middle(low, high, model.predict())
                if bit == 1 { high = middle } else { low = middle + 1 }
                model.update(bit)
                while (low ^ high) & 0xFF00_0000 == 0 {
                    writer.write(UInt8(high >> 24))
                    low <<= 8
                    high = high << 8 | 0xFF
                }
            }
        }
        for _ in 0..<4 {
            writer.write(UInt8(low >> 24))
            low <<= 8
        }
        let least = source.count / ratioMaximum
        while writer.bytes.count - start < least { writer.write(0) }
    }

    /// Reads exactly `count` bytes; the caller has checked the ratio. Never fails: damaged bytes give other bytes.
    static func decompress(_ source: UnsafeBufferPointer<UInt8>, count: Int, into target: inout RawArray<UInt8>) {
        var model = ContextModel(byteCount: count)
        var low: UInt32 = 0, high = UInt32.max, code: UInt32 = 0
        var next = 0
        for _ in 0..<4 {
            code = code << 8 | (next < source.count ? UInt32(source[next]) : 0)
            next += 1
        }
        for _ in 0..<count {
            var byte: UInt32 = 0
            for _ in 0..<8 {
                let middle = Self.middle(low, high, model.predict())
                let bit: UInt32 = code <= middle ? 1 : 0
                if bit == 1 { high = middle } else { low = middle + 1 }
                byte = byte << 1 | bit
                model.update(bit)
                while (low ^ high) & 0xFF00_0000 == 0 {
                    low <<= 8
                    high = high << 8 | 0xFF
                    code = code << 8 | (next < source.count ? UInt32(source[next]) : 0)
                    next += 1
                }
            }
            target.append(UInt8(byte))
        }
    }

    /// Where the interval is cut: what lies at or below is a one, with a chance of `chance` in 4,096.
    @inline(__always)
    private static func middle(_ low: UInt32, _ high: UInt32, _ chance: UInt32) -> UInt32 {
        let range = high - low
        return low + (range >> 12) * chance + ((range & 0xFFF) * chance >> 12)
    }
}

/// The model of ``Compression``.
struct ContextModel: ~Copyable {
    /// Chances in 4,096ths by context and bits so far, with a count of how often they were taught in the low four bits.
    private var first: RawArray<UInt16>
    private var second: RawArray<UInt16>
    private let mask: Int
    private var weights: RawArray<Int32>
    private var stretch: RawArray<Int16>
    private var squash: RawArray<UInt16>
    /// By age, in 65,536ths: how far a chance moves towards a bit.
    private var rates: RawArray<Int32>
    private static let ageMaximum = 12

    private var node = 1
    private var before = 0
    private var twoBefore = 0
    private var firstIndex = 1
    private var secondIndex = 1
    private var firstStretch: Int32 = 0
    private var secondStretch: Int32 = 0
    private var chance: Int32 = 2048

    init(byteCount: Int) {
        // Enough slots for the contexts of that much text, and no more than fit a cache.
        var bits = 12
        while bits < 20, 1 << bits < byteCount * 8 { bits += 1 }
        mask = 1 << bits - 1
        first = RawArray(capacity: 1 << 16)
        first.append(repeating: 2048 << 4, count: 1 << 16)
        second = RawArray(capacity: 1 << bits)
        second.append(repeating: 2048 << 4, count: 1 << bits)
        weights = RawArray(capacity: 512)
        weights.append(repeating: 1 << 15, count: 512)
        squash = RawArray(capacity: 4096)
        stretch = RawArray(capacity: 4096)
        rates = RawArray(capacity: 16)
        for age in 0..<16 { rates.append(Int32(65_536 * 2 / (2 * age + 3))) }
        fillTables()
    }

    /// Logistic curve by interpolation between 33 fixed points, and its inverse by search: integers, so the same everywhere.
    private mutating func fillTables() {
        let points: [Int] = [
            1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785, 3901, 3975, 4022,
            4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
        ]
        for index in 0..<4096 {
            let value = index - 2048
            let weight = value & 127
            let slot = value >> 7 + 16
            squash.append(UInt16((points[slot] * (128 - weight) + points[min(slot + 1, 32)] * weight + 64) >> 7))
        }
        var reached = 0
        for value in -2047...2047 {
            let limit = Int(squash[value + 2048])
            while reached <= limit {
                stretch.append(Int16(value))
                reached += 1
            }
        }
        while stretch.count < 4096 { stretch.append(2047) }
    }

    /// The chance of a one, in 4,096ths, from 1 to 4,095.
    @inline(__always)
    mutating func predict() -> UInt32 {
        firstIndex = before << 8 | node
        secondIndex = Int(truncatingIfNeeded: (UInt64(twoBefore << 8 | node) &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
        firstStretch = Int32(stretch[Int(first[firstIndex] >> 4)])
        secondStretch = Int32(stretch[Int(second[secondIndex] >> 4)])
        let sum = (firstStretch &* weights[node * 2] &+ secondStretch &* weights[node * 2 + 1]) >> 16
        chance = Int32(squash[Int(max(-2047, min(2047, sum))) + 2048])
        chance = max(1, min(4095, chance))
        return UInt32(chance)
    }

    @inline(__always)
    mutating func update(_ bit: UInt32) {
        let error = (Int32(bit) << 12 &- chance) &* 10
        weights[node * 2] = clamped(weights[node * 2] &+ (firstStretch &* error) >> 13)
        weights[node * 2 + 1] = clamped(weights[node * 2 + 1] &+ (secondStretch &* error) >> 13)
        let target: Int32 = bit == 1 ? 4095 : 0
        first[firstIndex] = taught(first[firstIndex], target)
        second[secondIndex] = taught(second[secondIndex], target)
        node = node << 1 | Int(bit)
        if node >= 256 {
            before = node & 0xFF
            twoBefore = (twoBefore << 8 | before) & 0xFFFF
            node = 1
        }
    }

    /// Keeps the products of ``predict()`` within 32 bits.
    @inline(__always)
    private func clamped(_ weight: Int32) -> Int32 { max(-(1 << 18), min(1 << 18, weight)) }

    /// Moves a chance towards a bit: fast while it is young, then slowly.
    @inline(__always)
    private func taught(_ state: UInt16, _ target: Int32) -> UInt16 {
        let age = Int(state & 15)
        let chance = Int32(state >> 4)
        let moved = chance &+ ((target &- chance) &* rates[age]) >> 16
        return UInt16(truncatingIfNeeded: moved) << 4 | UInt16(truncatingIfNeeded: age < ContextModel.ageMaximum ? age + 1 : age)
    }
}
