/// Checksums of objects made from checksums of their parts, without their bytes.
extension ChecksumValue {
    /// The checksum of A followed by B, from those of A and B and the length of B in bytes.
    ///
    /// A CRC is a remainder of polynomials over GF(2): appending `lengthB` bytes multiplies A by x^(8 lengthB), and initial value and
    /// final inversion cancel. The power is found by repeated squaring.
    ///
    /// - Returns: `nil` when the algorithms differ or are not CRCs: a cryptographic hash does not combine.
    /// - Complexity: O(log `lengthB`) multiplications of at most 64 steps.
    public static func combine(_ a: ChecksumValue, _ b: ChecksumValue, lengthB: UInt64) -> ChecksumValue? {
        guard a.algorithm == b.algorithm, let field = CRCField(a.algorithm) else { return nil }
        let shifted = field.multiply(a.register, field.powerOfX(bytes: lengthB))
        return ChecksumValue(a.algorithm, register: shifted ^ b.register)
    }

    /// The checksum of the raw checksums of the parts in order: S3's composite type, which it writes with `-` and the number of parts.
    ///
    /// - Returns: `nil` when there are no parts, or their algorithms differ.
    public static func composite(of parts: [ChecksumValue]) -> ChecksumValue? {
        guard let algorithm = parts.first?.algorithm, parts.allSatisfy({ $0.algorithm == algorithm }) else { return nil }
        var state = ChecksumState(algorithm)
        for part in parts { part.bytes.withUnsafeBytes { state.update($0) } }
        return state.finalize()
    }

    /// The bytes as a number.
    private var register: UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

/// Polynomials over GF(2) modulo that of a CRC, reflected: bit i stands for x^(width-1-i), as the CRC itself has it.
private struct CRCField {
    let width: UInt64
    /// The polynomial without its leading term, reflected.
    let polynomial: UInt64

    init?(_ algorithm: ChecksumAlgorithm) {
        switch algorithm {
        case .crc32: (width, polynomial) = (32, 0xEDB8_8320)
        case .crc32c: (width, polynomial) = (32, 0x82F6_3B78)
        case .crc64nvme: (width, polynomial) = (64, 0x9A6C_9329_AC4B_C9B5)
        case .sha1, .sha256: return nil
        }
    }

    private var one: UInt64 { 1 << (width - 1) }

    private func timesX(_ value: UInt64) -> UInt64 {
        value >> 1 ^ (value & 1 == 1 ? polynomial : 0)
    }

    /// Horner's rule over the terms of `left`, from x^0 up, with `right` shifted along.
    func multiply(_ left: UInt64, _ right: UInt64) -> UInt64 {
        var product: UInt64 = 0
        var term = one
        var shifted = right
        while term != 0 {
            if left & term != 0 { product ^= shifted }
            shifted = timesX(shifted)
            term >>= 1
        }
        return product
    }

    /// x^(8 `bytes`).
    func powerOfX(bytes: UInt64) -> UInt64 {
        var power = one
        // x^8: the eighth bit below that of x^0.
        var square = one >> 8
        var rest = bytes
        while rest != 0 {
            if rest & 1 == 1 { power = multiply(power, square) }
            square = multiply(square, square)
            rest >>= 1
        }
        return power
    }
}
