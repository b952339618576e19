/// Half, single and double precision, as bits, because not every platform has a half-precision type.
@usableFromInline
enum CBORFloat {
    /// The shortest head and bits that keep the value (RFC 8949 section 4.2.1).
    static func shortest(_ value: Double) -> (head: UInt8, bits: UInt64) {
        if value.isNaN { return (0xf9, 0x7e00) }
        let single = Float(value)
        guard Double(single) == value else { return (0xfb, value.bitPattern) }
        if let half = half(single) { return (0xf9, UInt64(half)) }
        return (0xfa, UInt64(single.bitPattern))
    }

    /// The half-precision bits of a value that is no NaN, nil when half precision does not hold it.
    private static func half(_ value: Float) -> UInt16? {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
        let exponent = Int(bits >> 23 & 0xff) - 127
        let fraction = bits & 0x7f_ffff
        switch exponent {
        case 128: return sign | 0x7c00
        case -14...15 where fraction & 0x1fff == 0:
            return sign | UInt16(exponent + 15) << 10 | UInt16(truncatingIfNeeded: fraction >> 13)
        case -24 ..< -14:
            // Subnormal: the leading one becomes part of the fraction, in units of 2⁻²⁴.
            let shift = UInt32(-1 - exponent)
            let whole = fraction | 0x80_0000
            return whole & (1 << shift - 1) == 0 ? sign | UInt16(truncatingIfNeeded: whole >> shift) : nil
        case -127 where fraction == 0: return sign
        default: return nil
        }
    }

    /// The value of half-precision bits (RFC 8949 appendix D).
    @usableFromInline
    static func value(half: UInt16) -> Double {
        let fraction = Double(half & 0x3ff)
        let magnitude: Double =
            switch half >> 10 & 0x1f {
            case 0: fraction * 0x1p-24
            case 31: half & 0x3ff == 0 ? .infinity : .nan
            case let exponent: (fraction + 1024) * Double(sign: .plus, exponent: Int(exponent) - 25, significand: 1)
            }
        return half & 0x8000 == 0 ? magnitude : -magnitude
    }
}
