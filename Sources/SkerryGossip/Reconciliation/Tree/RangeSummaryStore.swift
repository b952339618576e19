/// Entries in write-time order with counts and sums in the branches: what reconciliation reads.
///
/// Two implementations stand beside it: ``ReconciliationTree`` in memory, and SkerryReplication's tree over a metadata engine. One suite tests both.
///
/// - Complexity: every requirement O(log n), ``visit(_:_:)`` plus what it visits.
public protocol RangeSummaryStore: ~Copyable {
    associatedtype Failure: Error

    /// Count and sum of the entries in the range.
    func summary(of range: WriteRange) throws(Failure) -> RangeSummary

    /// The key of the entry that has `rank` entries before it, nil when there are no more than `rank` entries.
    func key(at rank: UInt64) throws(Failure) -> WriteKey?

    /// The digest of the entry under the key, nil when there is none.
    func digest(of key: WriteKey) throws(Failure) -> EntryDigest?

    /// Calls `body` for the entries of the range in order, until it returns false.
    func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) throws(Failure)
}
