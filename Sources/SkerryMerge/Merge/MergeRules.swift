/// What counts as a conflict, and how it is shown.
///
/// The rules of a three-way merge, in the order in which they are asked for each stretch that somebody changed:
/// 1. only one side changed it: that side's form is taken;
/// 2. both changed it alike: their form is taken once (``alike``);
/// 3. one side emptied it and the other has something there: the something is taken (``insertBeatsDelete``);
/// 4. else it is a conflict: retried by words for text (``retriesWords``), then trimmed (``trimsConflicts``) and reported.
///
/// Changes that touch count as changes of one stretch: at least one unchanged element must lie between two independent changes.
public struct MergeRules: Sendable, Hashable {
    /// When two sides have made the same change.
    public enum Alike: Sendable, Hashable {
        /// When each side made one change there, and they are the same.
        case hunks
        /// When the stretch reads the same on both sides, however it came about.
        case content
    }

    /// How each side is compared with the base.
    public var diff: DiffOptions
    public var alike: Alike
    /// Whether content wins over its own deletion, so that nothing written is lost.
    public var insertBeatsDelete: Bool
    /// Whether a conflict in text is tried again word by word, within ``wordRetryMaximum`` bytes a side.
    public var retriesWords: Bool
    /// Whether what both sides of a conflict begin and end with is taken out of it (zdiff3).
    public var trimsConflicts: Bool

    /// Largest side of a conflict that is retried by words: 64 KiB.
    public static var wordRetryMaximum: Int { 1 << 16 }

    public init(
        diff: DiffOptions = .standard, alike: Alike = .content, insertBeatsDelete: Bool = true, retriesWords: Bool = true,
        trimsConflicts: Bool = true
    ) {
        self.diff = diff
        self.alike = alike
        self.insertBeatsDelete = insertBeatsDelete
        self.retriesWords = retriesWords
        self.trimsConflicts = trimsConflicts
    }

    /// For sequences of anything: all rules, hunks as early as they can be.
    public static let standard = MergeRules()
    /// For text: all rules, hunks at natural boundaries.
    public static let text = MergeRules(diff: .text)
    /// As `git merge-file`.
    public static let git = MergeRules(
        diff: .git, alike: .content, insertBeatsDelete: false, retriesWords: false, trimsConflicts: false)
    /// As `git merge-file --diff3`.
    public static let gitDiff3 = MergeRules(
        diff: .git, alike: .hunks, insertBeatsDelete: false, retriesWords: false, trimsConflicts: false)
    /// As `git merge-file --zdiff3`.
    public static let gitZdiff3 = MergeRules(
        diff: .git, alike: .hunks, insertBeatsDelete: false, retriesWords: false, trimsConflicts: true)
}
