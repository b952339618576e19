#if DEBUG
/// Errors put in on purpose, to see that the tests find them.
struct ReconciliationDefects: OptionSet, Sendable {
    let rawValue: UInt32

    /// The fingerprint covers the sum alone.
    static let fingerprintWithoutCount = ReconciliationDefects(rawValue: 1)
    /// A list leaves its last entry out.
    static let leafOffByOne = ReconciliationDefects(rawValue: 1 << 1)
    /// A range includes its upper bound, which the next one includes too.
    static let upperIncluded = ReconciliationDefects(rawValue: 1 << 2)
    /// Limbs are added without their carries.
    static let sumWithoutCarry = ReconciliationDefects(rawValue: 1 << 3)
    /// Entries behind the last one of a list are not offered.
    static let lastGapForgotten = ReconciliationDefects(rawValue: 1 << 4)
    /// Equal ranges are split all the same.
    static let neverEqual = ReconciliationDefects(rawValue: 1 << 5)
    /// Ranges below the horizon are compared.
    static let horizonIgnored = ReconciliationDefects(rawValue: 1 << 6)
    /// More ranges are sent than the peer has promised to keep.
    static let windowIgnored = ReconciliationDefects(rawValue: 1 << 7)
    /// What this side lacks is not asked for.
    static let wishesDropped = ReconciliationDefects(rawValue: 1 << 8)
    /// Two contents of one key pass as equal.
    static let digestsIgnored = ReconciliationDefects(rawValue: 1 << 9)
}

extension RangeSummary {
    mutating func insertWithoutCarry(_ digest: EntryDigest) {
        self = RangeSummary(
            count: count + 1,
            limbs: Limbs(
                limbs.first &+ digest.limbs.first, limbs.second &+ digest.limbs.second, limbs.third &+ digest.limbs.third,
                limbs.fourth &+ digest.limbs.fourth))
    }
}
#endif
