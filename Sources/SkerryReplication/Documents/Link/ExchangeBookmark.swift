/// Where an exchange with a peer stands: kept with the documents, and given to the next exchange with the same peer.
public struct ExchangeBookmark: Sendable, Hashable {
    public var interest: DocumentInterest
    public var cursor: ExchangeCursor
    /// Names the log of commits here that ``pushed`` is about.
    public var ownLog: UInt64
    /// Own commits up to this one are with the peer.
    public var pushed: UInt64

    public init(interest: DocumentInterest, cursor: ExchangeCursor, ownLog: UInt64, pushed: UInt64) {
        self.interest = interest
        self.cursor = cursor
        self.ownLog = ownLog
        self.pushed = pushed
    }

    /// For a disk: interest, cursor, log and commit, as in messages.
    public var bytes: [UInt8] {
        var writer = ExchangeWriter()
        writer.write(interest)
        writer.write(cursor)
        writer.word(ownLog)
        writer.integer(pushed)
        return writer.bytes
    }

    /// - Throws: ``DocumentFeedError`` for anything that ``bytes`` did not give.
    public init(_ bytes: [UInt8]) throws(DocumentFeedError) {
        var reader = ExchangeReader(bytes[...])
        interest = try reader.interest()
        cursor = try reader.cursor()
        ownLog = try reader.word()
        pushed = try reader.integer()
        try reader.end()
    }
}
