/// Who is here and where: carets, selections, names. Never part of a document, forgotten when not renewed.
///
/// A value for a shell: time comes in, messages go out. Each replica says its own state with a rising number; the largest number counts, so messages
/// may come late, twice or not at all, and may be passed on by others: what is passed on stands no longer than where it was first said.
///
/// Nobody signs a message. Whoever may speak on a link may speak for any replica, until the false state's time is over.
public struct Presence: Sendable {
    /// What one replica says of itself.
    public struct Message: Sendable, Hashable {
        public var origin: OriginID
        public var number: UInt64
        /// nil when it leaves.
        public var state: DocumentValue?
        /// How long it stands from when it is heard, milliseconds.
        public var timeToLive: UInt64

        public init(origin: OriginID, number: UInt64, state: DocumentValue?, timeToLive: UInt64) {
            self.origin = origin
            self.number = number
            self.state = state
            self.timeToLive = timeToLive
        }
    }

    /// Replicas remembered at most; further ones are refused until some fall silent.
    public static let replicasMaximum = 4_096
    /// Bytes of one encoded state. With ``replicasMaximum`` it bounds what a presence takes: 16 MiB.
    public static let stateMaximum = 4 << 10
    /// The longest that a state stands, milliseconds; what claims more stands for this long.
    public static let timeToLiveMaximum: UInt64 = 600_000

    private struct Entry {
        var number: UInt64
        var state: DocumentValue?
        /// When it is over.
        var end: UInt64
    }

    public let origin: OriginID
    /// How long an own state stands without being said again, milliseconds.
    public let timeToLive: UInt64
    private var number: UInt64
    private var entries: [OriginID: Entry] = [:]

    /// - Parameters:
    ///   - timeToLive: at most ``timeToLiveMaximum``.
    ///   - number: above every number this origin used before; wall time in milliseconds serves.
    public init(origin: OriginID, timeToLive: UInt64 = 30_000, number: UInt64) {
        self.origin = origin
        self.timeToLive = min(timeToLive, Presence.timeToLiveMaximum)
        self.number = number
    }

    // MARK: - Saying

    /// The own state, for every other replica, nil to leave; see ``renew(now:)`` for when to say it again.
    ///
    /// - Throws: `limitExceeded` for a state above ``stateMaximum``, `mismatch` for a container; what was said before stands.
    public mutating func say(_ state: DocumentValue?, now: UInt64) throws(DocumentError) -> Message {
        if let state { try Presence.check(state) }
        number += 1
        entries[origin] = Entry(number: number, state: state, end: now + timeToLive)
        return Message(origin: origin, number: number, state: state, timeToLive: timeToLive)
    }

    /// The own state once more when half of its time is over, nil before that and when there is none: to be asked every few seconds.
    public mutating func renew(now: UInt64) -> Message? {
        guard let own = entries[origin], own.state != nil, own.end < now + timeToLive / 2 else { return nil }
        number += 1
        entries[origin] = Entry(number: number, state: own.state, end: now + timeToLive)
        return Message(origin: origin, number: number, state: own.state, timeToLive: timeToLive)
    }

    /// Everything that stands, sorted by origin, with the time that each has left: for a peer that has just come.
    public func messages(now: UInt64) -> [Message] {
        entries.filter { $0.value.state != nil && $0.value.end > now }
            .map { Message(origin: $0.key, number: $0.value.number, state: $0.value.state, timeToLive: $0.value.end - now) }
            .sorted { $0.origin < $1.origin }
    }

    // MARK: - Hearing

    /// Takes a message in; true when it changes what stands.
    public mutating func hear(_ message: Message, now: UInt64) -> Bool {
        if message.origin == origin { return false }
        let old = entries[message.origin]
        if let old, old.number >= message.number, !isDefective(.presenceGoesBack) { return false }
        if old == nil, entries.count >= Presence.replicasMaximum { return false }
        if let state = message.state, (try? Presence.check(state)) == nil { return false }
        let end = now + min(message.timeToLive, Presence.timeToLiveMaximum)
        entries[message.origin] = Entry(number: message.number, state: message.state, end: end)
        return old.flatMap(\.state) != message.state
    }

    /// Forgets what was not renewed; returns who went, sorted.
    public mutating func expire(now: UInt64) -> [OriginID] {
        let silent = entries.filter { $0.key != origin && $0.value.end < now }
        for origin in silent.keys { entries[origin] = nil }
        return silent.filter { $0.value.state != nil }.keys.sorted()
    }

    /// Everyone's state, by origin.
    public var states: [(origin: OriginID, state: DocumentValue)] {
        entries.compactMap { origin, entry in entry.state.map { (origin, $0) } }.sorted { $0.0 < $1.0 }
    }

    /// - Throws: as ``say(_:now:)``.
    static func check(_ state: DocumentValue) throws(DocumentError) {
        if case .container = state { throw DocumentError(code: .mismatch, message: "a container says nothing of presence") }
        // Long ones are not encoded to be measured.
        let isLong =
            switch state {
            case .string(let string): string.utf8.count > stateMaximum - 3
            case .bytes(let bytes): bytes.count > stateMaximum - 3
            default: false
            }
        if isLong { throw DocumentError(code: .limitExceeded, message: "a presence of more than \(stateMaximum) bytes") }
    }
}
