/// Hexadecimal digits, for digests, signatures and percent-coding.
enum Hex {
    /// The value of a digit of either case, nil for any other byte.
    @inline(__always)
    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The digit of a value from 0 to 15, `A` to `F` above 9.
    @inline(__always)
    static func upperDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    /// The digit of a value from 0 to 15, `a` to `f` above 9.
    @inline(__always)
    static func lowerDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// The bytes that pairs of digits of either case spell; nil for an odd count or another character.
    static func decode(_ digits: some Collection<UInt8>) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            guard let value = value(digit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }
}

extension [UInt8] {
    /// Appends two lower-case digits for each of `bytes`.
    mutating func appendHex(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            append(Hex.lowerDigit(byte >> 4))
            append(Hex.lowerDigit(byte & 15))
        }
    }
}
