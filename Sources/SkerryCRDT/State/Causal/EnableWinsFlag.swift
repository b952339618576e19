/// A flag in which enabling wins over a disabling that had not seen it.
public typealias EnableWinsFlag = Causal<DotSet>

extension Causal where Store == DotSet {
    public var isEnabled: Bool { !store.isEmpty }

    /// Enables it; returns the delta.
    @discardableResult
    public mutating func enable(by origin: OriginID) -> Causal {
        let dot = context.next(of: origin)
        var seen = store
        seen.insert(dot)
        return take(Causal(DotSet(dot), context: seen))
    }

    /// Disables it as far as it was enabled here; returns the delta.
    @discardableResult
    public mutating func disable() -> Causal { take(Causal(DotSet(), context: store)) }
}
