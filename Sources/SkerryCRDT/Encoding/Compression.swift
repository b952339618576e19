/// A fast compressor for columns and typed text: repeats as LZ4 finds them, their parts in prefix codes.
///
/// Typed text has few long repeats and columns of small numbers have skewed bytes, so the prefix code does most. automerge-paper's history
/// comes to less than half of its columns. A context-mixing coder makes it a twelfth smaller still, at ten megabytes a second each way:
/// history is read whenever a document is merged, copied or looked at as it was, so speed was chosen.
///
/// ```
/// compressed = literals:stream commands:stream offsets:stream
/// stream = 0 length:varint bytes | 1 length:varint coded:varint code-lengths bits | 2 length:varint byte       one byte again and again
/// ```
enum Compression {
    /// The compressed form is padded to this ratio, so that a few bytes cannot claim to be many.
    static let ratioMaximum = 256
    /// A shorter stream does not pay for its code.
    private static let codedMinimum = 96

    static func compress(_ source: UnsafeBufferPointer<UInt8>, into writer: inout ByteWriter) {
        let start = writer.bytes.count
        let streams = LempelZiv.parse(source)
        write(streams.literals.elements, to: &writer)
        write(streams.commands.elements, to: &writer)
        write(streams.offsets.elements, to: &writer)
        let least = source.count / ratioMaximum
        while writer.bytes.count - start < least { writer.write(0) }
    }

    /// Reads exactly `count` bytes; the caller has checked the ratio.
    static func decompress(
        _ source: UnsafeBufferPointer<UInt8>, count: Int, into target: inout RawArray<UInt8>
    ) throws(DocumentError) {
        var reader = ByteReader(source)
        var streams = LempelZiv.Streams()
        // A command gives at least five bytes for itself and its offset, and at least ten for each byte that it goes on in.
        try read(&reader, atMost: count, into: &streams.literals)
        try read(&reader, atMost: count / 2 + 16, into: &streams.commands)
        try read(&reader, atMost: count / LempelZiv.matchMinimum * 2, into: &streams.offsets)
        guard LempelZiv.expand(streams, count: count, into: &target) else { throw reader.damaged("a column is not what it claims") }
    }

    // MARK: - Streams

    private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to writer: inout ByteWriter) {
        guard bytes.count >= codedMinimum, let base = bytes.baseAddress else { return writePlainly(bytes, to: &writer) }
        let counts = histogram(base, bytes.count)
        if let most = counts.elements.max(), most == bytes.count {
            writer.write(2)
            writer.write(varint: bytes.count)
            writer.write(base[0])
            return
        }
        let code = HuffmanCode(counts: counts.base)
        let coded = (code.bitCount(of: counts.base) + 7) / 8
        if coded + 64 >= bytes.count { return writePlainly(bytes, to: &writer) }
        writer.write(1)
        writer.write(varint: bytes.count)
        writer.write(varint: coded)
        code.write(to: &writer)
        encode(base, bytes.count, code, codedCount: coded, to: &writer)
    }

    private static func writePlainly(_ bytes: UnsafeBufferPointer<UInt8>, to writer: inout ByteWriter) {
        writer.write(0)
        writer.write(varint: bytes.count)
        writer.write(bytes)
    }

    /// Four tables, so that one byte again and again does not wait for itself.
    private static func histogram(_ base: UnsafePointer<UInt8>, _ count: Int) -> RawArray<UInt32> {
        var counts = RawArray<UInt32>(capacity: 1024)
        counts.append(repeating: 0, count: 1024)
        let table = counts.base
        var index = 0
        while index + 4 <= count {
            table[Int(base[index])] &+= 1
            table[256 + Int(base[index + 1])] &+= 1
            table[512 + Int(base[index + 2])] &+= 1
            table[768 + Int(base[index + 3])] &+= 1
            index += 4
        }
        while index < count {
            table[Int(base[index])] &+= 1
            index += 1
        }
        for byte in 0..<256 { table[byte] &+= table[256 + byte] &+ table[512 + byte] &+ table[768 + byte] }
        counts.truncate(to: 256)
        return counts
    }

    private static func encode(
        _ base: UnsafePointer<UInt8>, _ count: Int, _ code: HuffmanCode, codedCount: Int, to writer: inout ByteWriter
    ) {
        let first = writer.bytes.count
        // Whole words are stored, so a few bytes more than needed are touched and given back.
        writer.bytes.appendUninitialized(codedCount + 8)
        let target = UnsafeMutableRawPointer(writer.bytes.base + first)
        code.codes().withUnsafeBufferPointer { codes in
            let table = codes.baseAddress!
            var bits: UInt64 = 0
            var filled: UInt64 = 0
            var offset = 0, index = 0
            while index < count {
                // Four codes of at most twelve bits, and at most seven bits left over, fit a word.
                let end = min(index + 4, count)
                while index < end {
                    let entry = table[Int(base[index])]
                    bits |= UInt64(entry & 0xFFFF) &<< filled
                    filled &+= UInt64(entry >> 16)
                    index += 1
                }
                target.storeBytes(of: bits.littleEndian, toByteOffset: offset, as: UInt64.self)
                offset += Int(filled >> 3)
                bits &>>= filled & ~7
                filled &= 7
            }
        }
        writer.bytes.truncate(to: first + codedCount)
    }

    private static func read(_ reader: inout ByteReader, atMost limit: Int, into target: inout RawArray<UInt8>) throws(DocumentError) {
        let form = try reader.byte()
        let count = try reader.count(atMost: limit, "the length of a stream")
        switch form {
        case 0: target.append(contentsOf: try reader.bytes(count))
        case 1:
            let coded = try reader.count(atMost: reader.remaining, "the length of a stream")
            guard count <= coded * 8, let code = try HuffmanCode(&reader) else { throw reader.damaged("a stream has no code") }
            let bytes = try reader.bytes(coded)
            target.appendUninitialized(count)
            guard decode(bytes, code, count, into: target.base) else { throw reader.damaged("a stream has bits that are no code") }
        case 2: target.append(repeating: try reader.byte(), count: count)
        default: throw reader.damaged("an unknown form of stream")
        }
    }

    private static func decode(
        _ source: UnsafeBufferPointer<UInt8>, _ code: HuffmanCode, _ count: Int, into target: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        guard let base = source.baseAddress else { return count == 0 }
        let table = code.table()
        let mask = UInt64(1 << HuffmanCode.lengthMaximum - 1)
        var offset = 0, index = 0
        var bits: UInt64 = 0
        var filled = 0
        // While a whole word can be read at once: at least 56 bits, enough for four codes.
        while index + 4 <= count, offset + 8 <= source.count {
            let word = UInt64(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
            bits |= word &<< UInt64(filled)
            offset += (63 - filled) >> 3
            filled |= 56
            for _ in 0..<4 {
                let entry = table.base[Int(bits & mask)]
                let length = Int(entry >> 8)
                if length == 0 { return false }
                target[index] = UInt8(truncatingIfNeeded: entry)
                bits &>>= UInt64(length)
                filled &-= length
                index += 1
            }
        }
        while index < count {
            while filled <= 48, offset < source.count {
                // The rest of a partly read word has left its bits in place; they are the same.
                bits |= UInt64(base[offset]) &<< UInt64(filled)
                filled += 8
                offset += 1
            }
            let entry = table.base[Int(bits & mask)]
            let length = Int(entry >> 8)
            if length == 0 || length > filled { return false }
            target[index] = UInt8(truncatingIfNeeded: entry)
            bits &>>= UInt64(length)
            filled -= length
            index += 1
        }
        return true
    }
}
