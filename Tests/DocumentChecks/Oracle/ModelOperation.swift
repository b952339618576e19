import SkerryCRDT

/// What one event, or one run of a text, did; as its author tells everybody.
struct ModelOperation {
    enum Body {
        case textInsert(Int, unit: Int, [FugueOrder.Placement], [Unicode.Scalar])
        case textDelete(Int, [Int])
        case mark(Int, ModelMark)
        /// A new element, named by its unit, with the number of the text or list that it is.
        case listInsert(Int, unit: Int, FugueOrder.Placement, DocumentValue, child: Int)
        /// Another slot for an element.
        case listMove(Int, unit: Int, FugueOrder.Placement, element: Int, stamp: HybridTimestamp)
        case listDelete(Int, unit: Int)
        case listWrite(Int, element: Int, stamp: HybridTimestamp, DocumentValue)
        /// Maps 0 and 1 by key; registers are maps 2 and 3 with the empty key.
        case keyWrite(Int, String, stamp: HybridTimestamp, DocumentValue?)
        case add(Int, Int64)
        case member(Int, DocumentValue, length: UInt64)
    }

    var replica: Int
    /// Among the operations of the replica, from 0.
    var index: Int
    /// Among the operations of all, in the order in which they were made.
    var order: Int
    /// How many operations of each replica it had seen.
    var seen: [Int]
    var body: Body
}
