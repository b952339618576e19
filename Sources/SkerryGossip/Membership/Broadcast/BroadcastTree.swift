/// A message of a broadcast by name: who sent it first, and which of its messages it is.
public struct BroadcastID: Sendable, Hashable, Comparable {
    /// Who sent it first.
    public var origin: MemberID
    /// Counts its messages, in all its lives (``BroadcastTree/init(id:firstNumber:profile:)``).
    public var number: UInt64

    public init(origin: MemberID, number: UInt64) {
        self.origin = origin
        self.number = number
    }

    public static func < (left: BroadcastID, right: BroadcastID) -> Bool { (left.origin, left.number) < (right.origin, right.number) }
}

/// What members say to each other about broadcasts.
public enum BroadcastMessage: Sendable, Hashable {
    /// The message itself, and over how many edges it came.
    case payload(BroadcastID, hops: UInt32, bytes: [UInt8])
    /// "I have these": to neighbours off the tree.
    case announcement([Announcement])
    /// "Send it to me, and from now on all the rest": puts the edge on the tree.
    case graft(BroadcastID?)
    /// "I had it": takes the edge off the tree.
    case prune

    /// A message by name, and over how many edges it would come.
    public struct Announcement: Sendable, Hashable {
        /// Of the message.
        public var id: BroadcastID
        /// Edges from its origin to who hears this, below 2^24.
        public var hops: UInt32

        public init(id: BroadcastID, hops: UInt32) {
            self.id = id
            self.hops = hops
        }
    }
}

/// Live push to all members, the payload about once to each: Plumtree, as a value.
///
/// Neighbours are eager, which get payloads at once, or lazy, which hear only that there is one. A payload that comes twice makes its second edge lazy;
/// one that is announced and does not come makes its edge eager again. So the eager edges become a tree along the fastest paths, and the lazy ones
/// mend it. Who the neighbours are is said from outside, by ``Neighbourhood``: all members up to ``membersWithoutViews``, beyond that those of the views.
///
/// A broadcast may be lost where all edges fail at once. It is a push in addition to feeds and reconciliation, never in place of them.
///
/// For applications that have messages of their own to tell to all members, beside ``Membership`` and ``Neighbourhood``: what has no row in any feed and is of no use later. Entries of feeds do not go this way.
/// ``FeedCore`` finds such a tree among its links by the same rules, but has other means: a position for each origin stands for announcements and for the memory of what came, the log for the payloads that are
/// kept, and an acknowledgement for "I had it". So it keeps nothing for a message, and loses none. This one keeps ids, payloads and timers for each message, within the bounds of its ``Profile``, and moves edges to
/// ways with fewer hops.
///
/// Leitão, Pereira and Rodrigues, "Epidemic Broadcast Trees" (2007), with its optimisation by hops.
public struct BroadcastTree: Sendable {
    /// Up to so many members each is a neighbour of each.
    public static let membersWithoutViews = 64

    /// Times in milliseconds, and bounds.
    public struct Profile: Sendable, Hashable {
        /// How long an announced message may take to come.
        public var firstTimeout: UInt64 = 500
        /// How long the next one that announced it is waited for.
        public var nextTimeout: UInt64 = 250
        /// How long announcements are gathered.
        public var announcementInterval: UInt64 = 100
        /// An announcement over so many hops fewer than the payload took moves the tree's edge there.
        public var hopsThreshold: UInt32 = 4
        /// How many ids are remembered, to tell what comes again.
        public var remembered = 8_192
        /// How many bytes of payloads are kept for who asks for them.
        public var keptBytes = 4 << 20
        /// How many announced messages are waited for.
        public var missingMaximum = 4_096
        /// How many that announced the same message are remembered.
        public var announcersMaximum = 8
        /// How many of the latest messages a new neighbour is told of: what passed while it was cut off.
        public var announcedToNewcomer = 512

        public init() {}
    }

    /// What is to be done.
    public enum Action: Sendable, Hashable {
        case send(BroadcastMessage, to: MemberID)
        /// A message came for the first time.
        case deliver(BroadcastID, [UInt8])
    }

    struct Received: Sendable {
        var hops: UInt32
        /// From whom; nil for an own one.
        var source: MemberID?
        /// Nil once it was dropped.
        var bytes: [UInt8]?
    }

    struct Missing: Sendable {
        var announcers: [(member: MemberID, hops: UInt32)]
        var deadline: UInt64
    }

    /// This member.
    public let id: MemberID
    /// The numbers it goes by.
    public let profile: Profile
    /// Sorted.
    public private(set) var eager: [MemberID] = []
    /// Sorted; none of them is eager.
    public private(set) var lazy: [MemberID] = []
    private var nextNumber: UInt64
    private var received: [BroadcastID: Received] = [:]
    /// Those of `received`, oldest first, and how many of them have lost their bytes.
    private var order = RangeQueue<BroadcastID>()
    private var kept = RangeQueue<BroadcastID>()
    private var keptBytes = 0
    private var missing: [BroadcastID: Missing] = [:]
    /// By lazy neighbour, what it has not been told of yet.
    private var unannounced: [MemberID: [BroadcastMessage.Announcement]] = [:]
    private var announceAt: UInt64 = .max

    #if DEBUG
    var defects: BroadcastDefects = []
    #endif

    /// - Parameter firstNumber: larger than every number this member used in an earlier life.
    public init(id: MemberID, firstNumber: UInt64 = 1, profile: Profile = Profile()) {
        self.id = id
        self.profile = profile
        nextNumber = firstNumber
    }

    /// Eager and lazy ones, sorted.
    public var neighbours: [MemberID] { (eager + lazy).sorted() }
    /// How many announced messages have not come yet.
    public var missingCount: Int { missing.count }
    /// Whether a message came, or was sent here, and its name is still remembered.
    public func hasReceived(_ id: BroadcastID) -> Bool { received[id] != nil }

    // MARK: Neighbours

    /// A neighbour came: its edge is eager until it proves superfluous, and it is told what it may have missed.
    public mutating func neighbourUp(_ member: MemberID, now: UInt64) {
        guard member != id, !eager.contains(member), !lazy.contains(member) else { return }
        BroadcastTree.insert(member, into: &eager)
        let recent = order.all.suffix(profile.announcedToNewcomer)
        guard !recent.isEmpty else { return }
        unannounced[member] = recent.map { BroadcastMessage.Announcement(id: $0, hops: (received[$0]?.hops ?? 0) + 1) }
        if announceAt == .max { announceAt = now + profile.announcementInterval }
    }

    /// Takes these for the neighbours, and nobody else.
    public mutating func follow(_ members: [MemberID], now: UInt64) {
        for member in neighbours where !members.contains(member) { neighbourDown(member) }
        for member in members { neighbourUp(member, now: now) }
    }

    /// A neighbour is gone: what only it announced is asked for elsewhere, or lost.
    public mutating func neighbourDown(_ member: MemberID) {
        eager.removeAll { $0 == member }
        lazy.removeAll { $0 == member }
        unannounced[member] = nil
        for id in missing.keys.sorted() {
            missing[id]?.announcers.removeAll { $0.member == member }
            if missing[id]?.announcers.isEmpty == true { missing[id] = nil }
        }
    }

    private static func insert(_ member: MemberID, into list: inout [MemberID]) {
        let index = list.firstIndex { $0 > member } ?? list.count
        list.insert(member, at: index)
    }

    private mutating func makeEager(_ member: MemberID) {
        guard let index = lazy.firstIndex(of: member) else { return }
        lazy.remove(at: index)
        BroadcastTree.insert(member, into: &eager)
    }

    private mutating func makeLazy(_ member: MemberID) {
        guard let index = eager.firstIndex(of: member) else { return }
        eager.remove(at: index)
        BroadcastTree.insert(member, into: &lazy)
    }

    private func has(_ defect: @autoclosure () -> BroadcastDefects) -> Bool {
        #if DEBUG
        return defects.contains(defect())
        #else
        return false
        #endif
    }
}

/// Errors put in on purpose, to see that the tests find them. Without effect in release builds.
struct BroadcastDefects: OptionSet, Sendable {
    let rawValue: UInt32

    /// Duplicates never make an edge lazy.
    static let neverPrunes = BroadcastDefects(rawValue: 1)
    /// What was announced and does not come is not asked for.
    static let neverGrafts = BroadcastDefects(rawValue: 1 << 1)
    /// Lazy neighbours hear nothing.
    static let neverAnnounces = BroadcastDefects(rawValue: 1 << 2)
    /// What came before is delivered again.
    static let deliversTwice = BroadcastDefects(rawValue: 1 << 3)
}

// MARK: - Messages

extension BroadcastTree {
    /// Sends a message to everybody.
    @discardableResult
    public mutating func broadcast(_ bytes: [UInt8], now: UInt64, into actions: inout [Action]) -> BroadcastID {
        let message = BroadcastID(origin: id, number: nextNumber)
        nextNumber += 1
        remember(message, Received(hops: 0, source: nil, bytes: bytes))
        push(message, hops: 0, bytes, except: nil, now, &actions)
        return message
    }

    /// Takes a message of a neighbour.
    public mutating func receive(_ message: BroadcastMessage, from sender: MemberID, now: UInt64, into actions: inout [Action]) {
        switch message {
        case .payload(let id, let hops, let bytes): receivePayload(id, hops, bytes, sender, now, &actions)
        case .announcement(let announcements):
            for announcement in announcements { hear(announcement, sender, now, &actions) }
        case .graft(let id):
            makeEager(sender)
            guard let id, let known = received[id], let bytes = known.bytes else { return }
            actions.append(.send(.payload(id, hops: known.hops + 1, bytes: bytes), to: sender))
        case .prune: makeLazy(sender)
        }
    }

    private mutating func receivePayload(
        _ id: BroadcastID, _ hops: UInt32, _ bytes: [UInt8], _ sender: MemberID, _ now: UInt64, _ actions: inout [Action]
    ) {
        if received[id] != nil {
            if has(.deliversTwice) { actions.append(.deliver(id, bytes)) }
            guard !has(.neverPrunes) else { return }
            makeLazy(sender)
            return actions.append(.send(.prune, to: sender))
        }
        missing[id] = nil
        // Hops grow by one an edge; a sender that says more than all members together only makes its edge look worse.
        remember(id, Received(hops: min(hops, 1 << 20), source: sender, bytes: bytes))
        actions.append(.deliver(id, bytes))
        makeEager(sender)
        push(id, hops: min(hops, 1 << 20), bytes, except: sender, now, &actions)
    }

    private mutating func push(
        _ id: BroadcastID, hops: UInt32, _ bytes: [UInt8], except source: MemberID?, _ now: UInt64, _ actions: inout [Action]
    ) {
        for member in eager where member != source && member != id.origin {
            actions.append(.send(.payload(id, hops: hops + 1, bytes: bytes), to: member))
        }
        guard !has(.neverAnnounces) else { return }
        for member in lazy where member != source && member != id.origin {
            // An announcement that is one too many for its neighbour is one that feeds and reconciliation make good.
            guard unannounced[member]?.count ?? 0 < profile.missingMaximum else { continue }
            unannounced[member, default: []].append(BroadcastMessage.Announcement(id: id, hops: hops + 1))
            if announceAt == .max { announceAt = now + profile.announcementInterval }
        }
    }

    private mutating func hear(
        _ announcement: BroadcastMessage.Announcement, _ sender: MemberID, _ now: UInt64, _ actions: inout [Action]
    ) {
        if let known = received[announcement.id] { return optimise(known, announcement, sender, &actions) }
        guard var entry = missing[announcement.id] else {
            guard missing.count < profile.missingMaximum else { return }
            missing[announcement.id] = Missing(announcers: [(sender, announcement.hops)], deadline: now + profile.firstTimeout)
            return
        }
        guard entry.announcers.count < profile.announcersMaximum, !entry.announcers.contains(where: { $0.member == sender }) else { return }
        entry.announcers.append((sender, announcement.hops))
        missing[announcement.id] = entry
    }

    /// A much shorter way was announced: it becomes the edge of the tree.
    private mutating func optimise(
        _ known: Received, _ announcement: BroadcastMessage.Announcement, _ sender: MemberID, _ actions: inout [Action]
    ) {
        guard let source = known.source, source != sender, eager.contains(source), lazy.contains(sender),
            announcement.hops < known.hops, known.hops - announcement.hops >= profile.hopsThreshold
        else { return }
        makeEager(sender)
        makeLazy(source)
        actions.append(.send(.graft(nil), to: sender))
        actions.append(.send(.prune, to: source))
    }

    // MARK: Time

    /// The next moment at which ``advance(now:into:)`` has something to do; `UInt64.max` for none.
    public var nextDeadline: UInt64 { missing.values.reduce(announceAt) { min($0, $1.deadline) } }

    /// Asks for what was announced and did not come, and announces what lazy neighbours have not heard of.
    public mutating func advance(now: UInt64, into actions: inout [Action]) {
        if now >= announceAt {
            announceAt = .max
            for member in neighbours {
                guard let announcements = unannounced.removeValue(forKey: member) else { continue }
                actions.append(.send(.announcement(announcements), to: member))
            }
            unannounced = [:]
        }
        let due = missing.filter { $0.value.deadline <= now }.keys.sorted()
        for id in due { graft(id, now, &actions) }
    }

    private mutating func graft(_ id: BroadcastID, _ now: UInt64, _ actions: inout [Action]) {
        guard var entry = missing[id], !has(.neverGrafts) else {
            missing[id]?.deadline = .max
            return
        }
        let announcer = entry.announcers.removeFirst().member
        entry.deadline = now + profile.nextTimeout
        // When nobody is left who might have it, a later announcement begins anew.
        missing[id] = entry.announcers.isEmpty ? nil : entry
        makeEager(announcer)
        actions.append(.send(.graft(id), to: announcer))
    }

    // MARK: Memory

    private mutating func remember(_ id: BroadcastID, _ message: Received) {
        received[id] = message
        order.append(id)
        kept.append(id)
        keptBytes += message.bytes?.count ?? 0
        while keptBytes > profile.keptBytes, let oldest = kept.first {
            keptBytes -= received[oldest]?.bytes?.count ?? 0
            received[oldest]?.bytes = nil
            kept.removeFirst()
        }
        while order.count > profile.remembered, let oldest = order.first {
            keptBytes -= received[oldest]?.bytes?.count ?? 0
            received[oldest] = nil
            order.removeFirst()
            if kept.first == oldest { kept.removeFirst() }
        }
    }
}

// MARK: - Bytes

extension BroadcastMessage {
    /// The most announcements in one message.
    public static let announcementsMaximum = 4_096
    /// The most bytes of a payload.
    public static let payloadBytesMaximum = 1 << 20

    /// As bytes, by the grammar of `docs/formats/membership.md`.
    public var encoded: [UInt8] {
        var writer = PacketWriter()
        switch self {
        case .payload(let id, let hops, let bytes):
            writer.byte(1)
            id.write(to: &writer)
            writer.integer(UInt64(hops))
            writer.blob(bytes)
        case .announcement(let announcements):
            writer.byte(2)
            writer.integer(announcements.count)
            for announcement in announcements {
                announcement.id.write(to: &writer)
                writer.integer(UInt64(announcement.hops))
            }
        case .graft(let id):
            writer.byte(id == nil ? 4 : 3)
            id?.write(to: &writer)
        case .prune: writer.byte(5)
        }
        return writer.bytes
    }

    /// - Throws: what is wrong with the bytes.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(MalformedPacket) {
        var reader = PacketReader(bytes)
        switch try reader.byte() {
        case 1:
            let (id, hops) = (try BroadcastID(from: &reader), try BroadcastMessage.hops(&reader))
            self = .payload(id, hops: hops, bytes: try reader.blob(maximum: BroadcastMessage.payloadBytesMaximum))
        case 2:
            var announcements: [Announcement] = []
            for _ in 0..<(try reader.count(maximum: BroadcastMessage.announcementsMaximum, eachAtLeast: 10)) {
                announcements.append(Announcement(id: try BroadcastID(from: &reader), hops: try BroadcastMessage.hops(&reader)))
            }
            self = .announcement(announcements)
        case 3: self = .graft(try BroadcastID(from: &reader))
        case 4: self = .graft(nil)
        case 5: self = .prune
        default: throw reader.fail(.unknown)
        }
        guard reader.isAtEnd else { throw reader.fail(.excess) }
    }

    private static func hops(_ reader: inout PacketReader) throws(MalformedPacket) -> UInt32 {
        guard let hops = UInt32(exactly: try reader.integer()), hops < 1 << 24 else { throw reader.fail(.limit) }
        return hops
    }
}

extension BroadcastID {
    func write(to writer: inout PacketWriter) {
        writer.word(origin.rawValue)
        writer.integer(number)
    }

    init(from reader: inout PacketReader) throws(MalformedPacket) {
        self.init(origin: MemberID(rawValue: try reader.word()), number: try reader.integer())
    }
}
