/// Eight bytes at a time.
@usableFromInline
enum JSONScan {
    /// Marks the top bit of the first byte that cannot stand in a JSON string as it is: a quote, a backslash or a control character.
    /// Bits above the lowest marked byte may be wrong.
    @inlinable @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let quote = word ^ 0x2222_2222_2222_2222
        let backslash = word ^ 0x5c5c_5c5c_5c5c_5c5c
        let found =
            ((quote &- 0x0101_0101_0101_0101) & ~quote) | ((backslash &- 0x0101_0101_0101_0101) & ~backslash)
            | ((word &- 0x2020_2020_2020_2020) & ~word)
        return found & 0x8080_8080_8080_8080
    }

    /// Marks the bytes beyond ASCII.
    @inlinable @inline(__always)
    static func beyondASCII(_ word: UInt64) -> UInt64 { word & 0x8080_8080_8080_8080 }
}
