/// Where text that is typed right at the edge of a mark takes it on: the rule of a kind of mark.
public enum MarkExpansion: UInt8, Sendable, Hashable, CaseIterable {
    /// Nowhere: links, comments.
    case none = 0
    /// In front of the first character.
    case before = 1
    /// Behind the last character: bold, italic, colours, what a typist expects to go on.
    case after = 2
    case both = 3

    var growsAtStart: Bool { rawValue & 1 != 0 }
    var growsAtEnd: Bool { rawValue & 2 != 0 }

    /// The rule for taking such a mark off: what is typed at the edge of the hole looks like what it would have looked at that edge of the mark.
    var removal: MarkExpansion { MarkExpansion(rawValue: (growsAtEnd ? 0 : 1) | (growsAtStart ? 0 : 2))! }
}
