/// What a reader does with a field that the type does not have.
@frozen
public enum UnknownFields: Sendable {
    /// Reads over it, so that a newer peer may add fields.
    case skip
    /// Throws ``ShapeError/Code/unknownField``, so that a misspelt setting is noticed.
    case refuse
}
