/// One state of everything, and the states it came from.
///
/// The identifier is the hash of the encoding, so a commit names its whole past.
public struct Commit: Sendable, Hashable {
    /// The root tree.
    public let tree: ObjectID
    /// In the order of their identifiers for merges that are made by ``History``, at most 64.
    public let parents: [ObjectID]
    /// One more than the largest of the parents', 0 without parents: an ancestor always has a smaller one.
    public let generation: UInt64
    /// Milliseconds since 1970, as whoever committed saw it. A merge takes one more than its parents' latest, so that
    /// it is the same wherever it is made.
    public let timestamp: UInt64
    public let author: String
    public let message: String

    /// Most parents of one commit: 64.
    public static var parentMaximum: Int { 64 }
    /// Longest author or message: 64 KiB of UTF-8.
    public static var textMaximum: Int { 1 << 16 }

    public init(tree: ObjectID, parents: [ObjectID], generation: UInt64, timestamp: UInt64, author: String, message: String) {
        self.tree = tree
        self.parents = parents
        self.generation = generation
        self.timestamp = timestamp
        self.author = author
        self.message = message
    }
}

/// What a directory holds: names, each with content or another tree.
public struct Tree: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        public enum Kind: UInt8, Sendable, Hashable {
            case content = 0
            case tree = 1
        }

        public let kind: Kind
        /// 1 to 255 bytes without `/` and NUL; not `.` or `..`.
        public let name: [UInt8]
        public let id: ObjectID

        public init(kind: Kind, name: [UInt8], id: ObjectID) {
            self.kind = kind
            self.name = name
            self.id = id
        }
    }

    /// In order of the bytes of their names.
    public let entries: [Entry]

    /// Sorts the entries.
    ///
    /// - Throws: ``HistoryError`` with `badName` when a name is not allowed or stands twice.
    public init(_ entries: [Entry]) throws(HistoryError) {
        self.entries = entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        for (index, entry) in self.entries.enumerated() {
            guard Tree.isAllowed(entry.name), index == 0 || self.entries[index - 1].name != entry.name else {
                throw HistoryError(.badName, "the name \(String(decoding: entry.name, as: UTF8.self)) is not allowed or stands twice")
            }
        }
    }

    private init() { entries = [] }

    public static let empty = Tree()

    fileprivate init(inOrder entries: [Entry]) { self.entries = entries }

    /// Names that mean something else to a file system are refused, so that a checkout stays inside its directory.
    static func isAllowed(_ name: [UInt8]) -> Bool {
        (1...255).contains(name.count) && !name.contains(0x2F) && !name.contains(0) && name != [0x2E] && name != [0x2E, 0x2E]
    }

    subscript(name: [UInt8]) -> Entry? {
        // Trees are sorted, so this is a binary search.
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].name.lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].name == name ? entries[low] : nil
    }
}

/// An object of a history: what has an identifier.
public enum HistoryObject: Sendable, Hashable {
    case content([UInt8])
    case tree(Tree)
    case commit(Commit)

    /// Largest object that is stored or received: 256 MiB.
    public static var sizeMaximum: Int { 1 << 28 }
}

// MARK: - Encoding (docs/formats/history.md, "Objects")

extension HistoryObject {
    private enum Letter {
        static var content: UInt8 { UInt8(ascii: "B") }
        static var tree: UInt8 { UInt8(ascii: "T") }
        static var commit: UInt8 { UInt8(ascii: "C") }
        static var version: UInt8 { 1 }
    }

    static var commitLetter: UInt8 { Letter.commit }

    static func kind(letter: UInt8) -> Tree.Entry.Kind? {
        switch letter {
        case Letter.content: .content
        case Letter.tree: .tree
        default: nil
        }
    }

    /// The bytes whose hash is the object's identifier.
    public var encoded: [UInt8] {
        var writer = FieldWriter()
        switch self {
        case .content(let bytes):
            writer.raw([Letter.content, Letter.version])
            writer.raw(bytes)
        case .tree(let tree):
            writer.raw([Letter.tree, Letter.version])
            writer.count(tree.entries.count)
            for entry in tree.entries {
                writer.byte(entry.kind.rawValue)
                writer.string(entry.name)
                writer.raw(entry.id.bytes)
            }
        case .commit(let commit):
            writer.raw([Letter.commit, Letter.version])
            writer.raw(commit.tree.bytes)
            writer.count(commit.parents.count)
            for parent in commit.parents { writer.raw(parent.bytes) }
            writer.integer(commit.generation)
            writer.integer(commit.timestamp)
            writer.string(commit.author)
            writer.string(commit.message)
        }
        return writer.bytes
    }

    /// - Throws: ``FormatError`` for anything but the one encoding of an object.
    public init(encoded bytes: [UInt8]) throws(FormatError) {
        guard bytes.count <= Self.sizeMaximum else { throw FormatError(.tooLarge, at: 0, "an object of \(bytes.count) bytes") }
        var reader = FieldReader(bytes)
        let letter = try reader.byte(), version = try reader.byte()
        guard version == Letter.version else {
            throw FormatError(version == 0 ? .malformed : .newerVersion, at: 1, "an object of version \(version)")
        }
        switch letter {
        case Letter.content:
            self = .content(Array(bytes[2...]))
            return
        case Letter.tree: self = .tree(try Self.readTree(&reader))
        case Letter.commit: self = .commit(try Self.readCommit(&reader))
        default: throw FormatError(.malformed, at: 0, "an unknown kind of object")
        }
        try reader.end()
    }

    private static func readTree(_ reader: inout FieldReader) throws(FormatError) -> Tree {
        var entries: [Tree.Entry] = []
        for _ in 0..<(try reader.count(ofAtLeast: 3 + ObjectID.size)) {
            guard let kind = Tree.Entry.Kind(rawValue: try reader.byte()) else { throw reader.malformed("an unknown kind of entry") }
            let name = Array(try reader.string(maximum: 255))
            guard Tree.isAllowed(name), entries.last.map({ $0.name.lexicographicallyPrecedes(name) }) ?? true else {
                throw reader.malformed("a name that is not allowed or out of order")
            }
            entries.append(Tree.Entry(kind: kind, name: name, id: try reader.objectID()))
        }
        return Tree(inOrder: entries)
    }

    private static func readCommit(_ reader: inout FieldReader) throws(FormatError) -> Commit {
        let tree = try reader.objectID()
        var parents: [ObjectID] = []
        for _ in 0..<(try reader.count(ofAtLeast: ObjectID.size, maximum: Commit.parentMaximum)) {
            let parent = try reader.objectID()
            guard !parents.contains(parent) else { throw reader.malformed("a parent twice") }
            parents.append(parent)
        }
        return Commit(
            tree: tree, parents: parents, generation: try reader.integer(), timestamp: try reader.integer(),
            author: try reader.text(maximum: Commit.textMaximum), message: try reader.text(maximum: Commit.textMaximum))
    }
}

extension FieldReader {
    package mutating func objectID() throws(FormatError) -> ObjectID {
        guard let id = ObjectID(try raw(ObjectID.size)) else { throw malformed("an identifier") }
        return id
    }
}
