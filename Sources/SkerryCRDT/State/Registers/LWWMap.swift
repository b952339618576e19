/// A map of which the last write of each key stands; a removal is a write.
public typealias LWWMap<Key: StateElement, Value: StateElement> = StateMap<Key, LWWRegister<Value>>

extension StateMap {
    /// Writes a key's value, or removes it; returns the delta.
    ///
    /// - Parameter stamp: of ``HybridClock/next(now:)``.
    @discardableResult
    public mutating func write<Content>(
        _ value: Content?, for key: Key, stamp: HybridTimestamp, origin: OriginID
    ) -> StateMap where Value == LWWRegister<Content> {
        update(key) { $0.write(value, stamp: stamp, origin: origin) }
    }

    /// The value of a key, nil when it has none.
    public func value<Content>(for key: Key) -> Content? where Value == LWWRegister<Content> { self[key].value }

    /// The keys with a value, ascending.
    public func keys<Content>() -> [Key] where Value == LWWRegister<Content> {
        entries.filter { $0.value.value != nil }.map(\.key)
    }
}
