import Crypto

/// The 256 words that give each byte its weight in the rolling hash. They are part of the format: another table cuts all data anew.
///
/// Word b is the first eight bytes, most significant first, of the SHA-256 of the text `skerry gear` and the byte b:
/// numbers nobody could have chosen.
enum GearTable {
    /// The table, for the life of the process.
    // Written once by the initialiser, which runs before the first reader has the pointer, and never again nor freed.
    nonisolated(unsafe) static let words: UnsafePointer<UInt64> = {
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 256)
        for byte in 0..<256 {
            words.advanced(by: byte).initialize(to: derive(UInt8(byte)))
        }
        return UnsafePointer(words)
    }()

    static func derive(_ byte: UInt8) -> UInt64 {
        Digest(of: Array("skerry gear".utf8) + [byte]).words.0
    }
}
