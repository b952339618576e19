/// What became of imported events.
public struct ImportResult: Sendable, Hashable {
    /// Events that were new here and are now part of the document.
    public var applied: Int
    /// The first event that is missing here and that others in the input build on; nil when the input was taken whole.
    public var missing: Dot?

    public init(applied: Int, missing: Dot?) {
        self.applied = applied
        self.missing = missing
    }
}
