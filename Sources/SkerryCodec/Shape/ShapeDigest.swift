/// 64 bits that two shapes share exactly when they have the same names and the same structure, up to chance.
///
/// Peers compare digests before they use a positional format; `docs/formats/bin.md` gives the grammar of what is hashed. Documentation,
/// defaults and the hints of formats do not enter. It guards against mistakes and not against an enemy: readers check all they read
/// whatever the digest says.
public struct ShapeDigest: Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Sixteen hexadecimal digits.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
