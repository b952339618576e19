/// A site as its neighbours know it: 64 random bits, for as long as the site stays registered.
public struct MemberID: Sendable, Hashable, Comparable, BitwiseCopyable, CustomStringConvertible {
    /// Also its place on the ring: draw it evenly.
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: MemberID, right: MemberID) -> Bool { left.rawValue < right.rawValue }

    /// 16 hexadecimal digits.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
