import Foundation

/// Whether the long forms were asked for.
let isSoaking = ProcessInfo.processInfo.environment["SKERRY_SOAK"] != nil
/// Values drawn for each law.
let seeds: UInt64 = isSoaking ? 2_000 : 30

/// The bytes of hexadecimal digits; blanks do not count.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// The hexadecimal digits of bytes.
func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
