/// Errors that tests put in, to see that their checkers find them. Release builds have none of it.
struct FeedDefects: OptionSet, Sendable, Hashable {
    var rawValue: Int

    /// A run that does not follow what is there is taken all the same.
    static let gapAllowed = FeedDefects(rawValue: 1 << 0)
    /// Of two entries with one stamp the later arrival wins.
    static let tieFlipped = FeedDefects(rawValue: 1 << 1)
    /// A tombstone goes when all but its last acknowledgement is there.
    static let collectedOneEarly = FeedDefects(rawValue: 1 << 2)
    /// Whoever returns applies what lies before the horizon.
    static let horizonIgnored = FeedDefects(rawValue: 1 << 3)
    /// A retired origin goes on as if it had not been away.
    static let fenceIgnored = FeedDefects(rawValue: 1 << 4)
    /// Entries are acknowledged before they are durable.
    static let acknowledgedEarly = FeedDefects(rawValue: 1 << 5)
    /// A restored backup goes on under its old origin.
    static let epochReused = FeedDefects(rawValue: 1 << 6)
    /// Signatures are not looked at.
    static let signatureSkipped = FeedDefects(rawValue: 1 << 7)
    /// A digest says one more than there is.
    static let digestOffByOne = FeedDefects(rawValue: 1 << 8)
    /// More is sent than was granted.
    static let creditIgnored = FeedDefects(rawValue: 1 << 9)
    /// Entries go back to whom they came from.
    static let echo = FeedDefects(rawValue: 1 << 10)
    /// Stamps from the future are taken.
    static let futureAdopted = FeedDefects(rawValue: 1 << 11)
    /// The clock moves before signatures are checked.
    static let clockFirst = FeedDefects(rawValue: 1 << 12)
    /// A fork is not noticed.
    static let forkIgnored = FeedDefects(rawValue: 1 << 13)
    /// What was lost is not sent again.
    static let neverResent = FeedDefects(rawValue: 1 << 14)
    /// A member is left out of the cut before the others agree.
    static let retiredAtOnce = FeedDefects(rawValue: 1 << 15)
    /// A joiner is not counted in the cut.
    static let joinerForgotten = FeedDefects(rawValue: 1 << 16)
    /// The log is trimmed beyond the cut.
    static let trimmedEarly = FeedDefects(rawValue: 1 << 17)
    /// An entry that came twice is handed on twice.
    static let appliedTwice = FeedDefects(rawValue: 1 << 18)
    /// Stamps of an origin may go back.
    static let staleAllowed = FeedDefects(rawValue: 1 << 19)
    /// Entries of an origin are taken that is no member here.
    static let strangersAdmitted = FeedDefects(rawValue: 1 << 20)
    /// Entries are sent before they are durable.
    static let sentEarly = FeedDefects(rawValue: 1 << 21)
    /// Duplicates never make an edge lazy.
    static let neverPrunes = FeedDefects(rawValue: 1 << 22)
    /// What peers say that they have and does not come is not asked for.
    static let neverGrafts = FeedDefects(rawValue: 1 << 23)
}
