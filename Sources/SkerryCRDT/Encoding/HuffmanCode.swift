/// A canonical prefix code over bytes with codes of at most twelve bits.
struct HuffmanCode {
    static let lengthMaximum = 12

    /// By byte: the length of its code, 0 for a byte that does not occur.
    private(set) var lengths = [UInt8](repeating: 0, count: 256)

    // MARK: - Making

    /// The best code for bytes that occur so often, but for the limit on its length.
    init(counts: UnsafePointer<UInt32>) {
        // Packed as count and byte, so that one sort of integers orders them.
        var leaves: [UInt64] = []
        for byte in 0..<256 where counts[byte] > 0 { leaves.append(UInt64(counts[byte]) << 8 | UInt64(byte)) }
        leaves.sort()
        guard leaves.count > 1 else {
            if let only = leaves.first { lengths[Int(only & 0xFF)] = 1 }
            return
        }
        let depths = Self.depths(leaves.map { $0 >> 8 })
        let limited = Self.limited(depths)
        for (leaf, depth) in zip(leaves, limited) { lengths[Int(leaf & 0xFF)] = depth }
    }

    /// Depths in the tree of Huffman, by leaf; the weights ascend. Two queues: leaves and inner nodes, both in order.
    private static func depths(_ weights: [UInt64]) -> [Int] {
        let count = weights.count
        var inner: [UInt64] = []
        inner.reserveCapacity(count)
        var parents = [Int](repeating: 0, count: 2 * count - 1)
        var leaf = 0, node = 0
        func lightest() -> (Int, UInt64) {
            if leaf < count, node >= inner.count || weights[leaf] <= inner[node] {
                defer { leaf += 1 }
                return (leaf, weights[leaf])
            }
            defer { node += 1 }
            return (count + node, inner[node])
        }
        for _ in 0..<count - 1 {
            let (left, right) = (lightest(), lightest())
            parents[left.0] = count + inner.count
            parents[right.0] = count + inner.count
            inner.append(left.1 + right.1)
        }
        var depths = [Int](repeating: 0, count: 2 * count - 1)
        for index in stride(from: 2 * count - 3, through: 0, by: -1) { depths[index] = depths[parents[index]] + 1 }
        return Array(depths[0..<count])
    }

    /// Depths of at most ``lengthMaximum`` that still make a code; the leaves ascend in weight, so the deepest come first.
    private static func limited(_ depths: [Int]) -> [UInt8] {
        var result = depths.map { UInt8(min($0, lengthMaximum)) }
        // In units of the shortest interval: what the codes take of the whole.
        var taken = result.reduce(0) { $0 + 1 << (lengthMaximum - Int($1)) }
        let whole = 1 << lengthMaximum
        var index = 0
        while taken > whole {
            // The lightest that can go deeper does.
            if Int(result[index]) < lengthMaximum {
                result[index] += 1
                taken -= 1 << (lengthMaximum - Int(result[index]))
            } else {
                index += 1
            }
        }
        for index in stride(from: result.count - 1, through: 0, by: -1) {
            while result[index] > 1, taken + 1 << (lengthMaximum - Int(result[index])) <= whole {
                taken += 1 << (lengthMaximum - Int(result[index]))
                result[index] -= 1
            }
        }
        return result
    }

    /// The bits that the bytes take.
    func bitCount(of counts: UnsafePointer<UInt32>) -> Int { (0..<256).reduce(0) { $0 + Int(counts[$1]) * Int(lengths[$1]) } }

    // MARK: - Reading and writing

    /// ```
    /// lengths = nibble*, high first: 1...12 a length | 0 high low: as many bytes more, and one, that do not occur
    /// ```
    func write(to writer: inout ByteWriter) {
        var nibbles: [UInt8] = []
        var byte = 0
        while byte < 256 {
            if lengths[byte] > 0 {
                nibbles.append(lengths[byte])
                byte += 1
                continue
            }
            var run = 1
            while byte + run < 256, lengths[byte + run] == 0 { run += 1 }
            nibbles += [0, UInt8((run - 1) >> 4), UInt8((run - 1) & 15)]
            byte += run
        }
        if nibbles.count % 2 == 1 { nibbles.append(0) }
        for index in stride(from: 0, to: nibbles.count, by: 2) { writer.write(nibbles[index] << 4 | nibbles[index + 1]) }
    }

    /// nil when the lengths make no code.
    init?(_ reader: inout ByteReader) throws(DocumentError) {
        var pending: UInt8?
        func nibble(_ reader: inout ByteReader) throws(DocumentError) -> UInt8 {
            if let low = pending {
                pending = nil
                return low
            }
            let byte = try reader.byte()
            pending = byte & 15
            return byte >> 4
        }
        var byte = 0
        var taken = 0
        while byte < 256 {
            let length = try nibble(&reader)
            if length > 0 {
                guard Int(length) <= Self.lengthMaximum else { return nil }
                lengths[byte] = length
                taken += 1 << (Self.lengthMaximum - Int(length))
                byte += 1
            } else {
                byte += try Int(nibble(&reader)) << 4 + Int(nibble(&reader)) + 1
            }
        }
        guard byte == 256, taken > 0, taken <= 1 << Self.lengthMaximum else { return nil }
    }

    /// By byte: the code with its first bit lowest, and its length above the sixteenth bit.
    func codes() -> [UInt32] {
        var codes = [UInt32](repeating: 0, count: 256)
        forEachCode { byte, code, length in
            var reversed: UInt32 = 0
            for bit in 0..<length { reversed |= (code >> UInt32(bit) & 1) << UInt32(length - 1 - bit) }
            codes[byte] = reversed | UInt32(length) << 16
        }
        return codes
    }

    /// By the next twelve bits, first lowest: the byte, with the length of its code above; 0 for bits that are no code.
    func table() -> RawArray<UInt16> {
        var table = RawArray<UInt16>(capacity: 1 << Self.lengthMaximum)
        table.append(repeating: 0, count: 1 << Self.lengthMaximum)
        let codes = codes()
        for byte in 0..<256 where lengths[byte] > 0 {
            let code = Int(codes[byte] & 0xFFFF), step = 1 << Int(lengths[byte])
            let entry = UInt16(byte) | UInt16(lengths[byte]) << 8
            for index in stride(from: code, to: 1 << Self.lengthMaximum, by: step) { table[index] = entry }
        }
        return table
    }

    private func forEachCode(_ body: (_ byte: Int, _ code: UInt32, _ length: Int) -> Void) {
        var starts = [UInt32](repeating: 0, count: Self.lengthMaximum + 2)
        for length in lengths where length > 0 { starts[Int(length) + 1] += 1 }
        var code: UInt32 = 0
        for length in 1...Self.lengthMaximum {
            code = (code + starts[length]) << 1
            // From here on the entry is the next code of that length, the count of the one before it is used up.
            starts[length] = code
        }
        for byte in 0..<256 where lengths[byte] > 0 {
            let length = Int(lengths[byte])
            body(byte, starts[length], length)
            starts[length] += 1
        }
    }
}
