/// Elements of one channel, encoded one behind the other.
@usableFromInline
package struct ElementBatch: Sendable {
    @usableFromInline package var bytes: [UInt8] = []
    /// Where each element ends in `bytes`.
    @usableFromInline package var ends: [Int] = []
    /// The references of each element; empty as a whole while no element has any.
    @usableFromInline package var references: [[any AnyObject & Sendable]] = []

    @usableFromInline
    package init() {}

    @usableFromInline
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        references.removeAll(keepingCapacity: true)
    }

    /// The place of the element at `index` in `bytes`.
    @usableFromInline
    package func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
}
