/// A register that keeps every value whose write no other write had seen.
public typealias MVRegister<Value: StateElement> = Causal<DotFunction<Value>>

extension Causal {
    /// Writes a value in place of all that stand here; returns the delta.
    @discardableResult
    public mutating func write<Value>(_ value: Value, by origin: OriginID) -> Causal where Store == DotFunction<Value> {
        let dot = context.next(of: origin)
        var seen = store.dots
        seen.insert(dot)
        return take(Causal(DotFunction(dot, value), context: seen))
    }

    /// Removes the values that stand here; one written concurrently stays. Returns the delta.
    @discardableResult
    public mutating func clear<Value>() -> Causal where Store == DotFunction<Value> {
        take(Causal(DotFunction(), context: store.dots))
    }

    /// What stands, ascending by dot: one value, several after concurrent writes, none.
    public func values<Value>() -> [Value] where Store == DotFunction<Value> { store.entries.map(\.value) }
}
