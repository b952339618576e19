/// A map of states that can be removed: a change of a key's state wins over a removal that had not seen it.
///
/// The states share the map's context, so a removed key leaves no tombstone. Stores nest: `ORMap<String, DotMap<String, DotSet>>` is a map
/// of sets.
public typealias ORMap<Key: StateElement, Store: DotStore> = Causal<DotMap<Key, Store>>

extension Causal {
    /// Changes the state of a key by a mutator that returns its delta; returns the delta of the map.
    ///
    /// ```swift
    /// var carts = ORMap<String, DotMap<String, DotSet>>()
    /// let delta = carts.update("ann") { $0.insert("milk", by: laptop) }
    /// ```
    @discardableResult
    public mutating func update<Key, Content, E: Error>(
        _ key: Key, _ mutate: (inout Causal<Content>) throws(E) -> Causal<Content>
    ) throws(E) -> Causal where Store == DotMap<Key, Content> {
        var state = Causal<Content>(store[key] ?? Content(), context: context)
        let delta = try mutate(&state)
        return take(Causal(DotMap(key, delta.store), context: delta.context))
    }

    /// Removes a key and what its state says here; returns the delta.
    @discardableResult
    public mutating func removeKey<Key, Content>(_ key: Key) -> Causal where Store == DotMap<Key, Content> {
        take(Causal(DotMap(), context: store[key]?.dots ?? DotSet()))
    }

    /// The state of a key, with the map's context; nil when the key is not there.
    public func state<Key, Content>(of key: Key) -> Causal<Content>? where Store == DotMap<Key, Content> {
        store[key].map { Causal<Content>($0, context: context) }
    }

    /// The keys, ascending.
    public func keys<Key, Content>() -> [Key] where Store == DotMap<Key, Content> { store.entries.map(\.key) }
}
