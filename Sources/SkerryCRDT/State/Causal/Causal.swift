/// A store of dots and everything that was seen by who wrote it: what makes removal possible without tombstones.
///
/// ``MVRegister``, ``AddWinsSet``, ``EnableWinsFlag`` and ``ORMap`` are this over their stores. An origin is used by one replica, in one
/// life, or two
/// writes share a dot. Almeida, Shoker and Baquero, "Delta State Replicated Data Types" (2018), section 7.
public struct Causal<Store: DotStore>: DeltaState {
    public internal(set) var store = Store()
    /// Every dot seen, those in the store included.
    public internal(set) var context = DotSet()

    public init() {}

    init(_ store: Store, context: DotSet) {
        self.store = store
        self.context = context
    }

    public mutating func join(_ other: Causal) {
        store.join(other.store, seen: context, otherSeen: other.context)
        context.join(other.context)
    }

    /// Joins a delta and returns it.
    mutating func take(_ delta: Causal) -> Causal {
        join(delta)
        return delta
    }
}

extension Causal: StateCodable {
    public static var stateType: [UInt8] { [0x2B] + Store.stateType }

    public func encode(to writer: inout StateWriter) {
        context.encode(to: &writer)
        store.encode(to: &writer)
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        context = try DotSet(from: &reader)
        store = try Store(from: &reader)
        guard context.covers(store.dots) else { throw reader.damaged("a dot that nobody has seen") }
    }
}
