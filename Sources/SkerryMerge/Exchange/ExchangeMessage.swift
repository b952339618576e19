/// What two histories say to each other (docs/formats/history.md, "Exchange").
public enum ExchangeMessage: Sendable, Hashable {
    /// First from both sides: how objects are named here, and where names lead.
    case greet(hash: String, names: [HistoryName: ObjectID], boundary: [ObjectID])
    /// Names as they are now, any time later.
    case names([HistoryName: ObjectID])
    /// Send me these commits and what they need; of their history only so many commits, if a depth is given. Deepening asks also for what lies behind
    /// the boundary.
    case want([ObjectID], depth: Int?, deepens: Bool)
    /// Of what I want, I have these objects already: a transfer broke off.
    case skip([ObjectID])
    /// I have these commits and all before them, up to my boundary.
    case have([ObjectID], isLast: Bool)
    /// Of what you said you have, I have these.
    case common([ObjectID])
    /// Commits that follow come without their parents.
    case boundary([ObjectID])
    /// Objects, each after those it refers to.
    case objects([[UInt8]])
    /// So many messages of objects were stored.
    case taken(Int)
    /// All that was wanted has been sent.
    case sent
    /// Move this branch of yours.
    case push(NameChange)
    /// The branch was moved, or why not.
    case pushed(HistoryName, refusal: HistoryError.Code?)

    /// Most names in a message: 65,536.
    public static var nameMaximum: Int { 1 << 16 }
    /// Most identifiers in a message: 4,096.
    public static var idMaximum: Int { 1 << 12 }
    /// Bytes of objects after which a message ends: 1 MiB. A larger object travels alone.
    public static var objectBytesTarget: Int { 1 << 20 }
    /// Largest message of any kind but objects: 16 MiB, enough for 65,536 names of 200 bytes.
    public static var controlMaximum: Int { 1 << 24 }
    /// Largest message: one largest object and what surrounds it.
    public static var sizeMaximum: Int { HistoryObject.sizeMaximum + 64 }
}

extension ExchangeMessage {
    private enum Letter {
        static var greet: UInt8 { UInt8(ascii: "g") }
        static var names: UInt8 { UInt8(ascii: "n") }
        static var want: UInt8 { UInt8(ascii: "w") }
        static var skip: UInt8 { UInt8(ascii: "k") }
        static var have: UInt8 { UInt8(ascii: "h") }
        static var common: UInt8 { UInt8(ascii: "c") }
        static var boundary: UInt8 { UInt8(ascii: "b") }
        static var objects: UInt8 { UInt8(ascii: "o") }
        static var taken: UInt8 { UInt8(ascii: "t") }
        static var sent: UInt8 { UInt8(ascii: "s") }
        static var push: UInt8 { UInt8(ascii: "p") }
        static var pushed: UInt8 { UInt8(ascii: "q") }
    }

    /// `SkHx`, then the version.
    static var magic: [UInt8] { [0x53, 0x6B, 0x48, 0x78, 1] }

    public var encoded: [UInt8] {
        var writer = FieldWriter()
        switch self {
        case .greet(let hash, let names, let boundary):
            writer.byte(Letter.greet)
            writer.raw(Self.magic)
            writer.string(hash)
            Self.write(names, &writer)
            Self.write(boundary, &writer)
        case .names(let names):
            writer.byte(Letter.names)
            Self.write(names, &writer)
        case .want(let ids, let depth, let deepens):
            writer.byte(Letter.want)
            Self.write(ids, &writer)
            writer.count(depth ?? 0)
            writer.byte(deepens ? 1 : 0)
        case .skip(let ids):
            writer.byte(Letter.skip)
            Self.write(ids, &writer)
        case .have(let ids, let isLast):
            writer.byte(Letter.have)
            Self.write(ids, &writer)
            writer.byte(isLast ? 1 : 0)
        case .common(let ids):
            writer.byte(Letter.common)
            Self.write(ids, &writer)
        case .boundary(let ids):
            writer.byte(Letter.boundary)
            Self.write(ids, &writer)
        case .objects(let objects):
            writer.byte(Letter.objects)
            writer.count(objects.count)
            for object in objects { writer.string(object) }
        case .taken(let count):
            writer.byte(Letter.taken)
            writer.count(count)
        case .sent: writer.byte(Letter.sent)
        case .push(let change):
            writer.byte(Letter.push)
            writer.string(change.name.description)
            Self.write([change.from, change.to], &writer)
        case .pushed(let name, let refusal):
            writer.byte(Letter.pushed)
            writer.string(name.description)
            writer.string(refusal?.description ?? "")
        }
        return writer.bytes
    }

    private static func write(_ names: [HistoryName: ObjectID], _ writer: inout FieldWriter) {
        writer.count(names.count)
        for (name, id) in names.sorted(by: { $0.key < $1.key }) {
            writer.string(name.description)
            writer.raw(id.bytes)
        }
    }

    private static func write(_ ids: [ObjectID], _ writer: inout FieldWriter) {
        writer.count(ids.count)
        for id in ids { writer.raw(id.bytes) }
    }

    private static func write(_ ids: [ObjectID?], _ writer: inout FieldWriter) {
        for id in ids {
            writer.byte(id == nil ? 0 : 1)
            writer.raw(id?.bytes ?? [])
        }
    }

    /// - Throws: ``FormatError``; counts are checked against the bounds and the bytes before anything is allocated.
    public init(encoded bytes: [UInt8]) throws(FormatError) {
        guard bytes.count <= Self.sizeMaximum else { throw FormatError(.tooLarge, at: 0, "a message of \(bytes.count) bytes") }
        var reader = FieldReader(bytes)
        switch try reader.byte() {
        case Letter.greet: self = try Self.readGreeting(&reader)
        case Letter.names: self = .names(try Self.readNames(&reader))
        case Letter.want:
            let ids = try Self.readIDs(&reader)
            let depth = try reader.integer()
            guard depth <= UInt64(Int32.max) else { throw FormatError(.tooLarge, at: reader.offset, "a depth of \(depth)") }
            self = .want(ids, depth: depth == 0 ? nil : Int(depth), deepens: try Self.readFlag(&reader))
        case Letter.skip: self = .skip(try Self.readIDs(&reader))
        case Letter.have:
            let ids = try Self.readIDs(&reader)
            self = .have(ids, isLast: try Self.readFlag(&reader))
        case Letter.common: self = .common(try Self.readIDs(&reader))
        case Letter.boundary: self = .boundary(try Self.readIDs(&reader))
        case Letter.objects:
            var objects: [[UInt8]] = []
            for _ in 0..<(try reader.count(ofAtLeast: 3)) { objects.append(Array(try reader.string(maximum: HistoryObject.sizeMaximum))) }
            self = .objects(objects)
        case Letter.taken:
            let count = try reader.integer()
            guard count <= UInt64(Int32.max) else { throw FormatError(.tooLarge, at: reader.offset, "\(count) messages") }
            self = .taken(Int(count))
        case Letter.sent: self = .sent
        case Letter.push:
            let name = try Self.readName(&reader)
            let from = try Self.readOptionalID(&reader)
            self = .push(NameChange(name, from: from, to: try Self.readOptionalID(&reader)))
        case Letter.pushed:
            let name = try Self.readName(&reader)
            let refusal = try reader.text(maximum: 64)
            self = .pushed(name, refusal: refusal.isEmpty ? nil : HistoryError.Code(wire: refusal))
        default: throw FormatError(.malformed, at: 0, "an unknown kind of message")
        }
        try reader.end()
    }

    private static func readGreeting(_ reader: inout FieldReader) throws(FormatError) -> ExchangeMessage {
        let mark = Array(try reader.raw(magic.count))
        guard mark.dropLast() == magic.dropLast() else { throw FormatError(.malformed, at: 1, "not a greeting of a history") }
        guard mark == magic else { throw FormatError(mark.last == 0 ? .malformed : .newerVersion, at: 5, "an unknown version") }
        let hash = try reader.text(maximum: 64)
        let names = try readNames(&reader)
        return .greet(hash: hash, names: names, boundary: try readIDs(&reader, maximum: nameMaximum))
    }

    private static func readNames(_ reader: inout FieldReader) throws(FormatError) -> [HistoryName: ObjectID] {
        var names: [HistoryName: ObjectID] = [:]
        var last: HistoryName?
        for _ in 0..<(try reader.count(ofAtLeast: 4 + ObjectID.size, maximum: nameMaximum)) {
            let name = try readName(&reader)
            if let last, !(last < name) { throw reader.malformed("names out of order") }
            names[name] = try reader.objectID()
            last = name
        }
        return names
    }

    private static func readName(_ reader: inout FieldReader) throws(FormatError) -> HistoryName {
        guard let name = HistoryName(try reader.text(maximum: 1024)) else { throw reader.malformed("not a name") }
        return name
    }

    private static func readIDs(_ reader: inout FieldReader, maximum: Int = idMaximum) throws(FormatError) -> [ObjectID] {
        var ids: [ObjectID] = []
        for _ in 0..<(try reader.count(ofAtLeast: ObjectID.size, maximum: maximum)) { ids.append(try reader.objectID()) }
        return ids
    }

    private static func readFlag(_ reader: inout FieldReader) throws(FormatError) -> Bool {
        let flag = try reader.byte()
        guard flag <= 1 else { throw reader.malformed("neither yes nor no") }
        return flag == 1
    }

    private static func readOptionalID(_ reader: inout FieldReader) throws(FormatError) -> ObjectID? {
        try readFlag(&reader) ? try reader.objectID() : nil
    }
}
