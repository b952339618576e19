import SkerryCRDT
import SkerryReplication

/// One side of an exchange with its documents in memory: does what a core asks, at once, and keeps what a disk would keep.
final class ExchangeNode {
    let name: String
    let origin: OriginID
    /// Names the log.
    var log: UInt64
    var documents: [String: Document] = [:]
    /// The document of each commit; commit 1 first.
    var commits: [String] = []
    var source: DocumentSource
    var sink: DocumentSink?
    // What the sink keeps.
    var interest = DocumentInterest.none
    var cursor = ExchangeCursor.start(.none)
    var pushed: UInt64 = 0
    var reports: [DocumentFeedError] = []
    var snapshotsTaken = 0
    var updatesTaken = 0
    private var lives: UInt64 = 0

    init(_ name: String, origin: UInt64) {
        self.name = name
        self.origin = OriginID(rawValue: origin)
        log = origin
        source = DocumentSource(log: origin, end: 0)
    }

    static let now: @Sendable () -> UInt64 = { 1_800_000_000_000 }

    func document(_ name: String) -> Document {
        if let document = documents[name] { return document }
        let document = Document(origin: OriginID(rawValue: origin.rawValue &+ lives &* 0x1_0001), now: Self.now)
        documents[name] = document
        return document
    }

    @discardableResult
    func change(_ name: String, _ text: String) -> [DocumentExchangeAction] {
        document(name).change { $0.text("body").insert(text, at: $0.text("body").count()) }
        return committed(name)
    }

    /// A commit is in the log: both cores hear of it.
    func committed(_ name: String) -> [DocumentExchangeAction] {
        commits.append(name)
        var actions: [DocumentExchangeAction] = []
        source.logGrew(to: UInt64(commits.count), into: &actions)
        sink?.ownLogGrew(to: UInt64(commits.count), into: &actions)
        return actions
    }

    /// Cuts the history of a document: what is there is its state.
    func cutHistory(_ name: String) throws {
        documents[name] = try Document(
            origin: OriginID(rawValue: origin.rawValue &+ 77), snapshot: document(name).snapshot(), now: Self.now)
    }

    func subscribe(_ interest: DocumentInterest, session: UInt32, now: UInt64) -> [DocumentExchangeAction] {
        if self.interest != interest {
            self.interest = interest
            cursor = .start(interest)
        }
        var sink = DocumentSink(interest, cursor: cursor, pushed: pushed, session: session)
        var actions: [DocumentExchangeAction] = []
        sink.subscribe(ownEnd: UInt64(commits.count), now: now, into: &actions)
        self.sink = sink
        return actions
    }

    /// The process dies and comes back: documents, log and cursors are on disk, the rest is not.
    func restart() throws {
        lives += 1
        for (name, document) in documents {
            let history = try? document.history()
            let again = Document(origin: OriginID(rawValue: origin.rawValue &+ lives &* 0x1_0001), now: Self.now)
            if let history {
                try again.merge(history)
                documents[name] = again
            }
        }
        source = DocumentSource(log: log, end: UInt64(commits.count))
        sink = nil
    }

    func receive(_ bytes: [UInt8], now: UInt64, asSource: Bool) -> [DocumentExchangeAction] {
        var actions: [DocumentExchangeAction] = []
        if asSource { source.receive(bytes[...], into: &actions) } else { sink?.receive(bytes[...], now: now, into: &actions) }
        return actions
    }

    /// Does everything that is asked and what follows from it; returns the messages, in order.
    func perform(_ actions: [DocumentExchangeAction], asSource: Bool) -> [[UInt8]] {
        var queue = actions
        var messages: [[UInt8]] = []
        var place = 0
        while place < queue.count {
            let action = queue[place]
            place += 1
            if case .send(let bytes) = action { messages.append(bytes) } else { queue += perform(action, asSource) }
        }
        return messages
    }

    private func perform(_ action: DocumentExchangeAction, _ asSource: Bool) -> [DocumentExchangeAction] {
        var actions: [DocumentExchangeAction] = []
        switch action {
        case .send: break
        case .list(let interest, let after, let limit):
            let names = documents.keys.filter { interest.matches($0) && $0 > after }.sorted()
            let found = names.prefix(limit).map { DocumentStanding(name: $0, version: document($0).version) }
            source.supply(listing: found, isEnd: names.count <= limit, into: &actions)
        case .follow(let after, let limit):
            let (changes, end) = changes(after, limit)
            source.supply(changes: changes, end: end, into: &actions)
        case .look(let names):
            let found = names.map { DocumentStanding(name: $0, version: documents[$0]?.version ?? CausalContext()) }
            source.supply(found: found, into: &actions)
        case .compare(let offer, let names):
            sink?.supply(versions: names.map { documents[$0]?.version ?? CausalContext() }, of: offer, into: &actions)
        case .followOwn(let after, let limit):
            let (changes, end) = changes(after, limit)
            sink?.supply(ownChanges: changes, end: end, into: &actions)
        case .read(let name, let since):
            let material = (try? documents[name].map { try DocumentMaterial(of: $0, since: since) }) ?? nil
            let answer = material ?? DocumentMaterial(.nothing, version: CausalContext())
            if asSource { source.supply(material: answer, into: &actions) } else { sink?.supply(material: answer, into: &actions) }
        case .take(let gift):
            let refusal = take(gift, &actions)
            if asSource { source.taken(refusal, into: &actions) } else { sink?.taken(refusal, into: &actions) }
        case .keep(let cursor, _): self.cursor = cursor
        case .keepPushed(let pushed): self.pushed = pushed
        case .report(let error): reports.append(error)
        }
        return actions
    }

    private func changes(_ after: UInt64, _ limit: Int) -> ([DocumentStanding], UInt64) {
        let end = min(UInt64(commits.count), after + UInt64(limit))
        var last: [String: UInt64] = [:]
        for offset in after..<end { last[commits[Int(offset)]] = offset + 1 }
        let changes = last.sorted { $0.value < $1.value }.map {
            DocumentStanding(name: $0.key, version: document($0.key).version, offset: $0.value)
        }
        return (changes, end)
    }

    private func take(_ gift: DocumentGift, _ actions: inout [DocumentExchangeAction]) -> DocumentFeedError? {
        do {
            switch gift.material.content {
            case .nothing: return nil
            case .diverged:
                return DocumentFeedError(.diverged, "both have events that the other's history was cut before", document: gift.name)
            case .history(let bytes):
                let before = document(gift.name).version
                try document(gift.name).merge(bytes)
                if document(gift.name).version != before {
                    updatesTaken += 1
                    actions += committed(gift.name)
                }
            case .snapshot(let bytes):
                guard gift.material.version.covers(document(gift.name).version) else {
                    return DocumentFeedError(.diverged, "a snapshot that lacks what is here", document: gift.name)
                }
                let origin = OriginID(rawValue: origin.rawValue &+ 999 &+ UInt64(snapshotsTaken))
                documents[gift.name] = try Document(origin: origin, snapshot: bytes, now: Self.now)
                snapshotsTaken += 1
                actions += committed(gift.name)
            }
            return nil
        } catch {
            return DocumentFeedError(.impossible, "\(error)", document: gift.name)
        }
    }

    func text(_ name: String) -> String? { documents[name]?.text("body").string }
}

/// Two nodes, one of which wants documents of the other, over a link that loses nothing.
struct ExchangePair {
    let source: ExchangeNode
    let sink: ExchangeNode
    private(set) var messages = 0
    private(set) var bytes = 0

    init(_ source: ExchangeNode, _ sink: ExchangeNode) { (self.source, self.sink) = (source, sink) }

    /// Carries messages to and fro until there are none.
    mutating func run(toSource: [[UInt8]] = [], toSink: [[UInt8]] = []) {
        var (toSource, toSink) = (toSource, toSink)
        while !toSource.isEmpty || !toSink.isEmpty {
            var next: (source: [[UInt8]], sink: [[UInt8]]) = ([], [])
            for message in toSource { next.sink += source.perform(source.receive(message, now: 0, asSource: true), asSource: true) }
            for message in toSink { next.source += sink.perform(sink.receive(message, now: 0, asSource: false), asSource: false) }
            messages += toSource.count + toSink.count
            bytes += (toSource + toSink).reduce(0) { $0 + $1.count }
            (toSource, toSink) = next
        }
    }

    mutating func subscribe(_ interest: DocumentInterest, session: UInt32) {
        run(toSource: sink.perform(sink.subscribe(interest, session: session, now: 0), asSource: false))
    }

    mutating func changeInterest(to interest: DocumentInterest) throws {
        var actions: [DocumentExchangeAction] = []
        try sink.sink?.change(to: interest, now: 0, into: &actions)
        sink.interest = interest
        run(toSource: sink.perform(actions, asSource: false))
    }

    mutating func changeAtSource(_ name: String, _ text: String) {
        run(toSink: source.perform(source.change(name, text), asSource: true))
    }

    mutating func changeAtSink(_ name: String, _ text: String) {
        run(toSource: sink.perform(sink.change(name, text), asSource: false))
    }

    var isCaughtUp: Bool { sink.sink?.isCaughtUp ?? false }
}
