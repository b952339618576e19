internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryReplication

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `bench-documents-feed [ENTRIES]`: one node types into a hundred documents, a commit and an entry for each five characters; another takes the entries from its
/// frames into documents that are open.
///
/// Measured is the taking side alone: decoding frames, checking stamps, digests and links, the memory store, and for each entry its value and the merge into the
/// document. Prints medians of five turns and lines `figure documents-feed.NAME VALUE UNIT`. CPU time of the one thread.
@main
enum BenchDocumentsFeed {
    static func main() throws {
        let count = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 20_000 : 20_000
        var rates: [Double] = []
        var sizes: [Double] = []
        for _ in 0..<5 {
            let (rate, size) = try Turn(count: count).run()
            rates.append(rate)
            sizes.append(size)
        }
        rates.sort()
        print("entries taken: \(Int(rates[0])) … \(Int(rates[2])) … \(Int(rates[4])) a second, \(count) entries a turn")
        print("figure documents-feed.taken \(Int(rates[2])) entries/s")
        print("figure documents-feed.wire \(Int(sizes[0])) bytes/entry")
    }
}

/// One node writes, one takes.
struct Turn {
    static let documents = 100
    let count: Int

    func run() throws -> (rate: Double, size: Double) {
        let now = FeedInstant(wall: 1_800_000_000_000, monotonic: 0)
        var (source, target) = (Node(1, now), Node(2, now))
        try source.core.attach(FeedPeerID(rawValue: 0), session: 1, isOrdered: true, now: now, into: &source.actions)
        try target.core.attach(FeedPeerID(rawValue: 0), session: 2, isOrdered: true, now: now, into: &target.actions)
        for _ in 0..<4 { _ = try exchange(&source, &target, now) }
        let sent = source.core.statistics.bytesSent
        let authors = (0..<Turn.documents).map { Document(origin: OriginID(rawValue: UInt64($0 + 10))) }
        for number in 0..<count {
            let author = authors[number % Turn.documents]
            let known = author.version
            author.change { $0.text("body").insert("hello", at: $0.text("body").count()) }
            let key = try DocumentFeed.key(of: "notes/\(number % Turn.documents)")
            for update in DocumentFeed.updates(of: try author.history(since: known)) {
                for value in try DocumentFeed.values(of: update) {
                    try source.core.publish(.write, key: key, value: value, now: now, into: &source.actions)
                }
            }
            try source.perform(now)
        }
        var nanoseconds: UInt64 = 0
        var time = now
        while target.core.statistics.entriesApplied < UInt64(count) {
            time = FeedInstant(wall: time.wall, monotonic: time.monotonic + 50)
            nanoseconds += try exchange(&source, &target, time)
        }
        precondition(target.documents["notes/7"]?.text("body").string == authors[7].text("body").string, "the documents differ")
        return (Double(count) * 1e9 / Double(max(1, nanoseconds)), Double(source.core.statistics.bytesSent - sent) / Double(count))
    }

    /// Carries what waits, both ways; the CPU nanoseconds of the target.
    private func exchange(_ source: inout Node, _ target: inout Node, _ now: FeedInstant) throws -> UInt64 {
        try source.perform(now)
        let out = source.outbox
        source.outbox = []
        let start = Self.cpu()
        for message in out {
            message.withUnsafeBytes { target.core.receive($0, from: FeedPeerID(rawValue: 0), now: now, into: &target.actions) }
            try target.perform(now)
        }
        target.core.tick(now: now, into: &target.actions)
        try target.perform(now)
        let spent = Self.cpu() - start
        for message in target.outbox {
            message.withUnsafeBytes { source.core.receive($0, from: FeedPeerID(rawValue: 0), now: now, into: &source.actions) }
        }
        target.outbox = []
        source.core.tick(now: now, into: &source.actions)
        return spent
    }

    private static func cpu() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// A node with its documents open.
struct Node {
    var core: FeedCore
    var store: MemoryFeedStore
    var actions: [FeedAction] = []
    var outbox: [[UInt8]] = []
    var documents: [String: Document] = [:]
    private let number: UInt64

    init(_ number: UInt64, _ now: FeedInstant) {
        self.number = number
        core = FeedCore(identity: FeedIdentity(cluster: 1, site: number, origin: OriginID(rawValue: number), epoch: 1), now: now)
        store = MemoryFeedStore(log: number, keepsBytes: false)
    }

    mutating func perform(_ now: FeedInstant) throws {
        var next = 0
        while next < actions.count {
            let action = actions[next]
            next += 1
            switch action {
            case .send(_, let bytes): outbox.append(bytes)
            case .persist(let batch):
                for entry in batch.entries where entry.dot.origin != core.identity.origin { try take(entry) }
                store.append(batch)
                store.sync()
                core.persisted(batch.ticket, now: now, into: &actions)
            case .read(let read):
                let rows = read.starts.map { store.read($0.origin, from: $0.sequence, charge: read.charge) }
                core.supply(rows, for: read, now: now, into: &actions)
            case .readLink(let query): core.supply(link: nil, for: query, now: now, into: &actions)
            case .report: break
            }
        }
        actions.removeAll(keepingCapacity: true)
    }

    private mutating func take(_ entry: FeedEntry) throws {
        let name = try DocumentFeed.name(of: entry.key)
        let document = documents[name] ?? Document(origin: OriginID(rawValue: 1_000 + number))
        documents[name] = document
        var inbox = DocumentInbox(name: name)
        _ = try inbox.receive(entry.dot, entry.value)
        precondition(inbox.settle(into: document).done.count == 1, "an entry was not taken")
    }
}
