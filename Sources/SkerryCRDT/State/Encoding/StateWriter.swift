/// Appends the parts of a state in the forms of `docs/formats/state.md`.
public struct StateWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func write(_ byte: UInt8) { bytes.append(byte) }

    /// LEB128: seven bits a byte, low bits first.
    public mutating func write(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// A count, as a number.
    public mutating func write(count: Int) { write(UInt64(count)) }

    /// Eight bytes, low ones first.
    public mutating func write(fixed value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    /// The length, then the UTF-8.
    public mutating func write(_ string: String) {
        write(count: string.utf8.count)
        bytes.append(contentsOf: string.utf8)
    }

    /// Bytes as they are.
    public mutating func append(_ other: some Sequence<UInt8>) { bytes.append(contentsOf: other) }
}
