/// Finds repeats: the greedy, single-probe matcher of LZ4, which trades a few per cent of size for hundreds of megabytes a second.
///
/// What it finds goes to three streams that an entropy coder takes apart from each other: literals as they are; *commands*, one byte for
/// a number of literals (high four bits) and the length of the match after them (low four bits, less ``matchMinimum``), 15 going on in
/// further bytes of which all but the last are 255; and *offsets*, two bytes each, low first. The last command has no match.
enum LempelZiv {
    /// A shorter match costs more than its literals do once those are entropy-coded.
    static let matchMinimum = 5
    static let windowMaximum = 0xFFFF
    private static let lastLiterals = 8

    struct Streams: ~Copyable {
        var literals = RawArray<UInt8>()
        var commands = RawArray<UInt8>()
        var offsets = RawArray<UInt8>()

        init() {}
    }

    static func parse(_ source: UnsafeBufferPointer<UInt8>) -> Streams {
        var streams = Streams()
        guard let base = source.baseAddress else { return streams }
        let count = source.count
        var bits: UInt64 = 8
        while bits < 14, 1 << bits < count { bits += 1 }
        var table = RawArray<UInt32>(capacity: 1 << Int(bits))
        table.append(repeating: 0, count: 1 << Int(bits))
        streams.reserve(for: count)
        var position = 1, anchor = 0
        let limit = count - lastLiterals
        // Bytes stepped over grow where nothing matches, so that noise passes quickly.
        var misses = 0
        while position < limit {
            let word = load(base, position)
            let hash = Int(truncatingIfNeeded: ((word << 24) &* 0x9E37_79B1_85EB_CA87) >> (64 - bits))
            let candidate = Int(table.base[hash])
            table.base[hash] = UInt32(truncatingIfNeeded: position)
            if position - candidate > windowMaximum || (load(base, candidate) ^ word) << 24 != 0 {
                misses += 1
                position += 1 + misses >> 6
                continue
            }
            misses = 0
            let length = matchMinimum + extent(base, candidate + matchMinimum, position + matchMinimum, end: count)
            // A few literals are copied sixteen at once, where the source has so many left.
            streams.add(
                literals: base + anchor, position - anchor, isRoomy: anchor + 16 <= count, match: length, offset: position - candidate)
            position += length
            anchor = position
        }
        streams.add(lastLiterals: base + anchor, count - anchor)
        return streams
    }

    @inline(__always)
    private static func load(_ base: UnsafePointer<UInt8>, _ position: Int) -> UInt64 {
        UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self)
    }

    /// How many bytes from both positions on are alike.
    @inline(__always)
    private static func extent(_ base: UnsafePointer<UInt8>, _ left: Int, _ right: Int, end: Int) -> Int {
        var length = 0
        while right + length + 8 <= end {
            let difference = load(base, left + length) ^ load(base, right + length)
            if difference != 0 { return length + difference.trailingZeroBitCount / 8 }
            length += 8
        }
        while right + length < end, base[left + length] == base[right + length] { length += 1 }
        return length
    }

    /// Puts exactly `count` bytes behind those of the target; false when the streams do not say how.
    static func expand(_ streams: borrowing Streams, count: Int, into target: inout RawArray<UInt8>) -> Bool {
        let first = target.count
        target.appendUninitialized(count)
        let base = target.base + first
        var written = 0, literal = 0, command = 0, offset = 0
        func length(_ nibble: UInt8) -> Int? {
            var length = Int(nibble)
            if length < 15 { return length }
            while command < streams.commands.count {
                let more = streams.commands[command]
                command += 1
                length += Int(more)
                if more < 255 { return length }
                if length > count { return nil }
            }
            return nil
        }
        while command < streams.commands.count {
            let token = streams.commands[command]
            command += 1
            guard let literals = length(token >> 4), literals <= count - written, literals <= streams.literals.count - literal else {
                return false
            }
            if literals <= 16, literal + 16 <= streams.literals.count, written + 16 <= count {
                // Sixteen at once; what is too many is written over next.
                put(base + written, sixteen(streams.literals.base + literal))
            } else {
                (base + written).update(from: streams.literals.base + literal, count: literals)
            }
            written += literals
            literal += literals
            if command == streams.commands.count, written == count { break }
            guard let more = length(token & 15), offset + 2 <= streams.offsets.count else { return false }
            let distance = Int(streams.offsets[offset]) | Int(streams.offsets[offset + 1]) << 8
            offset += 2
            let match = more + matchMinimum
            guard distance > 0, distance <= written, match <= count - written else { return false }
            if match <= 32, distance >= 16, written + 32 <= count {
                let target = base + written
                put(target, sixteen(target - distance))
                // The second sixteen may be what the first put there.
                if match > 16 { put(target + 16, sixteen(target + 16 - distance)) }
            } else {
                copy(base + written, from: distance, count: match)
            }
            written += match
        }
        return written == count && literal == streams.literals.count && offset == streams.offsets.count
    }

    @inline(__always)
    private static func sixteen(_ source: UnsafePointer<UInt8>) -> SIMD2<UInt64> {
        UnsafeRawPointer(source).loadUnaligned(as: SIMD2<UInt64>.self)
    }

    @inline(__always)
    private static func put(_ target: UnsafeMutablePointer<UInt8>, _ bytes: SIMD2<UInt64>) {
        UnsafeMutableRawPointer(target).storeBytes(of: bytes, as: SIMD2<UInt64>.self)
    }

    /// Copies from a distance before; what is copied may be what was just written.
    @inline(__always)
    private static func copy(_ target: UnsafeMutablePointer<UInt8>, from distance: Int, count: Int) {
        let source = target - distance
        if distance >= count {
            target.update(from: source, count: count)
        } else {
            for index in 0..<count { target[index] = source[index] }
        }
    }
}

extension LempelZiv.Streams {
    /// Room for what so many bytes come to at most, so that nothing is checked when it is added.
    fileprivate mutating func reserve(for count: Int) {
        literals.reserve(count + 16)
        // A match takes five bytes at least and gives a command and an offset; a long one or many literals go on in a byte for each 255.
        commands.reserve(count / LempelZiv.matchMinimum + count / 128 + 16)
        offsets.reserve(2 * (count / LempelZiv.matchMinimum) + 16)
    }

    @inline(__always)
    fileprivate mutating func add(literals start: UnsafePointer<UInt8>, _ count: Int, isRoomy: Bool, match: Int, offset: Int) {
        let length = match - LempelZiv.matchMinimum
        commands.append(UInt8(truncatingIfNeeded: min(count, 15) << 4 | min(length, 15)))
        if count >= 15 { extend(count) }
        if length >= 15 { extend(length) }
        if count <= 16, isRoomy {
            literals.appendUninitialized(16)
            UnsafeMutableRawPointer(literals.base + literals.count - 16)
                .storeBytes(of: UnsafeRawPointer(start).loadUnaligned(as: SIMD2<UInt64>.self), as: SIMD2<UInt64>.self)
            literals.truncate(to: literals.count - 16 + count)
        } else {
            literals.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
        }
        offsets.appendUninitialized(2)
        UnsafeMutableRawPointer(offsets.base + offsets.count - 2)
            .storeBytes(of: UInt16(truncatingIfNeeded: offset).littleEndian, as: UInt16.self)
    }

    fileprivate mutating func add(lastLiterals start: UnsafePointer<UInt8>, _ count: Int) {
        commands.append(UInt8(truncatingIfNeeded: min(count, 15) << 4))
        if count >= 15 { extend(count) }
        literals.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    }

    private mutating func extend(_ length: Int) {
        var rest = length - 15
        while rest >= 255 {
            commands.append(255)
            rest -= 255
        }
        commands.append(UInt8(rest))
    }
}
