/// A set in which an addition wins over a removal that had not seen it, and what is removed leaves nothing behind but its dots in the
/// context.
public typealias AddWinsSet<Element: StateElement> = Causal<DotMap<Element, DotSet>>

extension Causal {
    /// Adds an element; returns the delta.
    @discardableResult
    public mutating func insert<Element>(_ element: Element, by origin: OriginID) -> Causal where Store == DotMap<Element, DotSet> {
        let dot = context.next(of: origin)
        var seen = store[element] ?? DotSet()
        seen.insert(dot)
        return take(Causal(DotMap(element, DotSet(dot)), context: seen))
    }

    /// Removes an element as far as it was added here; returns the delta, the bottom when it was not in.
    @discardableResult
    public mutating func remove<Element>(_ element: Element) -> Causal where Store == DotMap<Element, DotSet> {
        take(Causal(DotMap(), context: store[element] ?? DotSet()))
    }

    public func contains<Element>(_ element: Element) -> Bool where Store == DotMap<Element, DotSet> { store[element] != nil }

    /// The members, ascending.
    public func members<Element>() -> [Element] where Store == DotMap<Element, DotSet> { store.entries.map(\.key) }
}
