/// How a diff is found and where its hunks come to lie.
public struct DiffOptions: Sendable, Hashable {
    /// How the elements that stay are chosen.
    public enum Algorithm: Sendable, Hashable {
        /// Elements unique to a stretch anchor it (patience); where there are none, the runs around the rarest ones do (histogram); what
        /// both cannot split goes to ``myers``. Reads best, and is the quickest for text.
        case histogram
        /// Fewest edits, by bidirectional linear-space search (Myers 1986), up to a cost cap beyond which good is good enough.
        case myers
    }

    /// Where a hunk goes that could lie in several places, as when a line is added to a run of equal lines.
    public enum Placement: Sendable, Hashable {
        /// As early as it can.
        case first
        /// As late as it can, or beside the nearest change of the other side if it meets one on the way; git's choice without its
        /// indent heuristic.
        case last
        /// As ``last``, but a hunk that meets none prefers to begin and end at the boundaries of paragraphs and blocks. For text; other
        /// elements have no boundaries and are placed as with ``last``.
        case boundaries
    }

    public var algorithm: Algorithm
    public var placement: Placement

    public init(algorithm: Algorithm = .histogram, placement: Placement = .first) {
        self.algorithm = algorithm
        self.placement = placement
    }

    /// For sequences of anything: histogram, hunks as early as they can be.
    public static let standard = DiffOptions()
    /// For text: histogram, hunks at natural boundaries.
    public static let text = DiffOptions(algorithm: .histogram, placement: .boundaries)
    /// As git compares files when it merges them.
    public static let git = DiffOptions(algorithm: .myers, placement: .last)
}
