/// The numbers of the protocol. Both sides must use the same ones, except for ``frameBytes``.
public struct ReconciliationLimits: Sendable, Hashable {
    /// Into how many parts of equal count a differing range is split.
    public static let fanOut = 16
    /// A range of at most this many own entries is sent as a list.
    public static let leafMaximum = 32
    /// How many ranges of one depth a side may have sent without having heard what became of them.
    public static let rangesOutstandingMaximum = 4_096
    /// How many entries the lists hold that a side may have sent without having heard what became of them.
    public static let listedOutstandingMaximum = 65_536
    /// How often a range may be split. Each side splits its own part sixteen-fold in every second step at least, so 2^40 entries on either side
    /// need 20 steps at the worst.
    public static let depthMaximum = 24
    /// How many origins one side may name in one session.
    public static let originsMaximum = 65_536
    /// The smallest and the largest frame, in bytes.
    public static let frameBytesRange = 4_096...1_048_576

    /// The largest frame that this side sends, in bytes: 64 KiB unless told otherwise. Kept within ``frameBytesRange``.
    public var frameBytes: Int {
        didSet { frameBytes = min(max(frameBytes, Self.frameBytesRange.lowerBound), Self.frameBytesRange.upperBound) }
    }

    public init(frameBytes: Int = 65_536) {
        self.frameBytes = min(max(frameBytes, Self.frameBytesRange.lowerBound), Self.frameBytesRange.upperBound)
    }
}
