/// Who is here and where: carets, selections, names. Never part of a document, forgotten when not renewed.
///
/// A value for a shell: time comes in, messages go out. Each replica says its own state with a rising number; the largest number counts, so messages
/// may come late, twice or not at all.
public struct Presence: Sendable {
    /// What one replica says of itself.
    public struct Message: Sendable, Hashable {
        public var origin: OriginID
        public var number: UInt64
        /// nil when it leaves.
        public var state: DocumentValue?

        public init(origin: OriginID, number: UInt64, state: DocumentValue?) {
            self.origin = origin
            self.number = number
            self.state = state
        }
    }

    /// Replicas remembered at most; further ones are refused until some fall silent.
    public static let replicasMaximum = 4_096

    private struct Entry {
        var number: UInt64
        var state: DocumentValue?
        var heard: UInt64
    }

    public let origin: OriginID
    /// How long a state stands without being said again, milliseconds.
    public let timeToLive: UInt64
    private var number: UInt64
    private var entries: [OriginID: Entry] = [:]

    /// - Parameter number: above every number this origin used before; wall time in milliseconds serves.
    public init(origin: OriginID, timeToLive: UInt64 = 30_000, number: UInt64) {
        self.origin = origin
        self.timeToLive = timeToLive
        self.number = number
    }

    /// The own state, for every other replica; say it again within the time to live.
    public mutating func say(_ state: DocumentValue?, now: UInt64) -> Message {
        number += 1
        entries[origin] = Entry(number: number, state: state, heard: now)
        return Message(origin: origin, number: number, state: state)
    }

    /// Takes a message in; true when it changes what stands.
    public mutating func hear(_ message: Message, now: UInt64) -> Bool {
        if message.origin == origin { return false }
        let old = entries[message.origin]
        if let old, old.number >= message.number { return false }
        if old == nil, entries.count >= Presence.replicasMaximum { return false }
        entries[message.origin] = Entry(number: message.number, state: message.state, heard: now)
        return old.flatMap(\.state) != message.state
    }

    /// Forgets what was not renewed; returns who went, sorted.
    public mutating func expire(now: UInt64) -> [OriginID] {
        let silent = entries.filter { $0.key != origin && $0.value.heard + timeToLive < now }
        for origin in silent.keys { entries[origin] = nil }
        return silent.filter { $0.value.state != nil }.keys.sorted()
    }

    /// Everyone's state, by origin.
    public var states: [(origin: OriginID, state: DocumentValue)] {
        entries.compactMap { origin, entry in entry.state.map { (origin, $0) } }.sorted { $0.0 < $1.0 }
    }
}
