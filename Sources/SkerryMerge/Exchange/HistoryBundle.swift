/// A history, or what is new in it, as one stream of bytes: a file to carry where there is no link (docs/formats/history.md, "Bundle").
///
/// The stream is the sending side of an exchange, message after message, so reading it verifies everything an exchange would.
public enum HistoryBundle {
    /// `SkHb`, then the version.
    static var magic: [UInt8] { [0x53, 0x6B, 0x48, 0x62, 1] }

    /// Writes branches and tags and what they lead to.
    ///
    /// - Parameters:
    ///   - excluded: commits whoever reads it has already, with all before them.
    ///   - sink: takes pieces of at most one message; what it throws ends the writing.
    public static func write<Store: HistoryStore>(
        _ history: History<Store>, excluding excluded: [ObjectID] = [], _ sink: ([UInt8]) throws(HistoryError) -> Void
    ) throws(HistoryError) {
        let names = history.names.filter { if case .remote = $0.key { false } else { true } }
        try sink(magic)
        try sink(frame(.greet(hash: history.hash.name, names: names, boundary: history.graph.boundary.sorted())))
        let commits = history.graph.commits(from: names.values, excluding: excluded)
        var sent: Set<ObjectID> = []
        for commit in commits {
            let parents = (history.graph.parents(of: commit) ?? [])
            try writeObjects(of: commit, against: parents, history, &sent, sink)
        }
        try sink(frame(.sent))
    }

    private static func writeObjects<Store: HistoryStore>(
        of commit: ObjectID, against: [ObjectID], _ history: History<Store>, _ sent: inout Set<ObjectID>,
        _ sink: ([UInt8]) throws(HistoryError) -> Void
    ) throws(HistoryError) {
        var message: [[UInt8]] = [], size = 0
        for id in try history.objects(of: commit, against: against) where sent.insert(id).inserted {
            let object = try history.object(id)
            if !message.isEmpty, size + object.count > ExchangeMessage.objectBytesTarget {
                try sink(frame(.objects(message)))
                (message, size) = ([], 0)
            }
            message.append(object)
            size += object.count
        }
        if !message.isEmpty { try sink(frame(.objects(message))) }
    }

    private static func frame(_ message: ExchangeMessage) -> [UInt8] {
        var writer = FieldWriter()
        writer.string(message.encoded)
        return writer.bytes
    }
}

/// Reads a bundle as it comes, in pieces of any size.
public struct HistoryBundleReader: Sendable {
    private var buffer: [UInt8] = []
    private var hasMagic = false
    private var greeting: (names: [HistoryName: ObjectID], boundary: Set<ObjectID>)?
    /// The names of the bundle, once it was read to its end; everything they lead to is in the history by then.
    public private(set) var names: [HistoryName: ObjectID]?

    public init() {}

    /// Takes a piece and stores what is complete.
    ///
    /// - Throws: ``HistoryError`` with `corrupt`, `incompatible` or `dangling` (the bundle builds on commits that are not here); what came before
    ///   stays in the store without a name.
    public mutating func read<Store: HistoryStore>(_ piece: [UInt8], into history: inout History<Store>) throws(HistoryError) {
        buffer.append(contentsOf: piece)
        do throws(FormatError) { try readMagic() } catch { throw HistoryError(.incompatible, "\(error)") }
        while let message = try next() { try take(message, &history) }
    }

    private mutating func readMagic() throws(FormatError) {
        guard !hasMagic, buffer.count >= HistoryBundle.magic.count else { return }
        guard buffer.starts(with: HistoryBundle.magic.dropLast()) else { throw FormatError(.malformed, at: 0, "not a bundle") }
        guard buffer[4] == HistoryBundle.magic[4] else { throw FormatError(.newerVersion, at: 4, "a bundle of version \(buffer[4])") }
        buffer.removeFirst(HistoryBundle.magic.count)
        hasMagic = true
    }

    private mutating func next() throws(HistoryError) -> ExchangeMessage? {
        guard hasMagic, !buffer.isEmpty else { return nil }
        var reader = FieldReader(buffer)
        guard let length = try? reader.integer() else {
            guard buffer.count < 10 else { throw HistoryError(.corrupt, "a frame without a length") }
            return nil
        }
        guard length <= UInt64(ExchangeMessage.sizeMaximum) else { throw HistoryError(.tooLarge, "a frame of \(length) bytes") }
        guard UInt64(reader.remaining) >= length else { return nil }
        do throws(FormatError) {
            let message = try ExchangeMessage(encoded: Array(reader.raw(Int(length))))
            buffer.removeFirst(reader.offset)
            return message
        } catch {
            throw HistoryError(.corrupt, "\(error)")
        }
    }

    private mutating func take<Store: HistoryStore>(_ message: ExchangeMessage, _ history: inout History<Store>) throws(HistoryError) {
        guard names == nil else { throw HistoryError(.corrupt, "a message after the end") }
        switch message {
        case .greet(let hash, let names, let boundary) where greeting == nil:
            guard hash == history.hash.name else { throw HistoryError(.incompatible, "objects are named by \(hash)") }
            greeting = (names, Set(boundary))
        case .objects(let objects):
            guard let greeting else { throw HistoryError(.corrupt, "objects before the greeting") }
            try history.accept(objects, boundary: greeting.boundary)
        case .sent:
            guard let greeting, greeting.names.values.allSatisfy(history.graph.contains) else {
                throw HistoryError(.dangling, "the bundle ends before everything its names lead to")
            }
            names = greeting.names
        default: throw HistoryError(.corrupt, "a message that has no place in a bundle")
        }
    }
}
