import SkerryCRDT
import SkerryDocuments
import SkerryStorage

/// Two notebooks exchange what each lacks, over two pipes.
///
/// They take turns, so that neither fills a pipe that nobody reads: the one that leads sends a digest of every note; the other answers with
/// its own and with what the first lacks; the first sends what the other lacks.
///
/// ```
/// leads   = "notes 1\n" digest* end              then, after the other's: change* end
/// follows = "notes 1\n" digest* end change* end
/// frame   = length:4 (little-endian) body
/// digest  = 1 name deleted:1 version
/// change  = 2 name history                  what the other's version lacks, as Document.history writes it
/// end     = 0
/// version = count (origin:8 sequence)*
/// ```
///
/// A deletion wins over everything that it had seen; a note that was changed elsewhere meanwhile stays, or comes back.
struct Exchange {
    static let greeting = Array("notes 1\n".utf8)
    /// Bytes of a frame.
    static let frameMaximum = 64 << 20

    private let notebook: Notebook
    private let output: Int32
    private var reader: FrameReader

    init(_ notebook: Notebook, input: Int32, output: Int32) {
        self.notebook = notebook
        self.output = output
        reader = FrameReader(descriptor: input)
        ignoreBrokenPipes()
    }

    /// The side that began it.
    mutating func lead() async throws {
        let mine = try await summaries()
        try sendDigests(mine)
        let theirs = try takeDigests()
        try await takeChanges(mine, theirs)
        try await sendChanges(mine, theirs)
    }

    /// The other side.
    mutating func follow() async throws {
        let mine = try await summaries()
        let theirs = try takeDigests()
        try sendDigests(mine)
        try await sendChanges(mine, theirs)
        try await takeChanges(mine, theirs)
    }

    private func sendDigests(_ mine: [String: DocumentSummary]) throws {
        try send(Exchange.greeting)
        for summary in mine.values.sorted(by: { $0.name < $1.name }) { try send(frame: digest(of: summary)) }
        try send(frame: [0])
    }

    private mutating func takeDigests() throws -> [String: (version: CausalContext, isDeleted: Bool)] {
        guard try reader.bytes(Exchange.greeting.count) == Exchange.greeting else {
            throw UsageError("the other side speaks another language")
        }
        var theirs: [String: (version: CausalContext, isDeleted: Bool)] = [:]
        while let (name, rest) = try next(kind: 1) {
            var fields = rest
            theirs[name] = (try fields.version(), try fields.isDeleted())
        }
        return theirs
    }

    private func summaries() async throws -> [String: DocumentSummary] {
        var found: [String: DocumentSummary] = [:]
        var last: String?
        while true {
            let page = try await notebook.store.documents(prefix: Notebook.prefix, after: last, includingDeleted: true, limit: 256)
            guard let end = page.last else { return found }
            for summary in page { found[summary.name] = summary }
            last = end.name
        }
    }

    private func sendChanges(_ mine: [String: DocumentSummary], _ theirs: [String: (version: CausalContext, isDeleted: Bool)]) async throws
    {
        for (name, summary) in mine.sorted(by: { $0.key < $1.key }) where !summary.isDeleted {
            let their = theirs[name]
            // Deleted just now, since the other side's deletion had seen all of it.
            guard try await notebook.store.summary(name)?.isDeleted == false else { continue }
            // What was deleted there with all that is here is not sent again.
            if let their, their.version.covers(summary.version) { continue }
            // To a side that deleted the note, changes that its deletion had not seen bring all of it back.
            let known = their.map { $0.isDeleted ? CausalContext() : $0.version } ?? CausalContext()
            var frame = FieldWriter()
            frame.write(byte: 2)
            frame.write(name)
            frame.write(raw: try await notebook.store.document(name).history(since: known))
            try send(frame: frame.bytes)
        }
        try send(frame: [0])
    }

    private mutating func takeChanges(
        _ mine: [String: DocumentSummary], _ theirs: [String: (version: CausalContext, isDeleted: Bool)]
    ) async throws {
        for (name, their) in theirs.sorted(by: { $0.key < $1.key }) where their.isDeleted {
            if let summary = mine[name], !summary.isDeleted, their.version.covers(summary.version) { try await notebook.store.delete(name) }
        }
        while let (name, rest) = try next(kind: 2) {
            let note = try await notebook.store.document(name)
            try note.merge(Array(rest.bytes))
            try await notebook.store.commit(note)
        }
    }

    // MARK: - Frames

    private func digest(of summary: DocumentSummary) -> [UInt8] {
        var frame = FieldWriter()
        frame.write(byte: 1)
        frame.write(summary.name)
        frame.write(summary.version.dots.count)
        for dot in summary.version.dots {
            frame.write(fixed: dot.origin.rawValue)
            frame.write(dot.sequence)
        }
        frame.write(summary.isDeleted)
        return frame.bytes
    }

    private func send(frame: [UInt8]) throws {
        try send(withUnsafeBytes(of: UInt32(frame.count).littleEndian) { Array($0) } + frame)
    }

    private func send(_ bytes: [UInt8]) throws {
        guard writeAll(bytes, to: output) else { throw UsageError("the other side is gone") }
    }

    /// Name and rest of the next frame of a kind; nil at the end of them.
    private mutating func next(kind: UInt8) throws -> (String, Rest)? {
        let length = try reader.bytes(4)
        let count = length.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard count >= 1, count <= Exchange.frameMaximum else { throw UsageError("a frame of \(count) bytes") }
        let bytes = try reader.bytes(count)
        if bytes == [0] { return nil }
        guard bytes[0] == kind else { throw UsageError("a frame of kind \(bytes[0])") }
        var fields = FieldReader(bytes[1...])
        let name = try fields.readString()
        guard name.hasPrefix(Notebook.prefix) else { throw UsageError("\(name) is no note") }
        return (name, Rest(bytes: bytes[(bytes.count - fields.remaining)...]))
    }
}

/// What a frame holds behind the name.
struct Rest {
    var bytes: ArraySlice<UInt8>

    mutating func version() throws -> CausalContext {
        var reader = FieldReader(bytes)
        var version = CausalContext()
        for _ in 0..<(try reader.readCount(maximum: reader.remaining / 9)) {
            version.insert(Dot(origin: OriginID(rawValue: try reader.readFixed()), sequence: try reader.readInteger()))
        }
        bytes = bytes.suffix(reader.remaining)
        return version
    }

    mutating func isDeleted() throws -> Bool {
        var reader = FieldReader(bytes)
        return try reader.readBool()
    }
}

/// Bytes from a pipe, as many as are asked for.
struct FrameReader {
    let descriptor: Int32
    private var waiting: [UInt8] = []
    private var start = 0

    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func bytes(_ count: Int) throws -> [UInt8] {
        while waiting.count - start < count {
            let more = readSome(64 << 10, from: descriptor)
            guard !more.isEmpty else { throw UsageError("the other side stopped in the middle") }
            waiting.removeFirst(start)
            start = 0
            waiting += more
        }
        defer { start += count }
        return Array(waiting[start..<start + count])
    }
}
