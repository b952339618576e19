internal import SkerryCRDT

extension DocumentMessage {
    var encoded: [UInt8] {
        var writer = ExchangeWriter()
        writer.byte(kind)
        writer.half(tag)
        writer.integer(number)
        switch body {
        case .want(let want): writer.write(want)
        case .offer(let offer): writer.write(offer)
        case .ask(let ask):
            writer.integer(ask.serial)
            writer.byte(ask.isLast ? 1 : 0)
            writer.write(ask.documents)
        case .give(let part): writer.write(part)
        case .status(let status):
            writer.byte(status.wantsAnswer ? 1 : 0)
            writer.integer(status.granted)
            writer.integer(status.taken)
        case .query(let names): writer.write(names)
        case .refuse(let refusal):
            writer.byte(refusal.code)
            writer.name(refusal.name)
        }
        return writer.bytes
    }

    private var kind: UInt8 {
        switch body {
        case .want: 1
        case .offer: 2
        case .ask: 3
        case .give: 4
        case .status: 5
        case .query: 6
        case .refuse: 7
        }
    }

    /// - Throws: ``DocumentFeedError``; nothing is allocated for what the bytes only promise.
    init(_ bytes: ArraySlice<UInt8>) throws(DocumentFeedError) {
        guard bytes.count <= DocumentLimits.messageMaximum else {
            throw DocumentFeedError(.limitExceeded, "a message of \(bytes.count) bytes")
        }
        var reader = ExchangeReader(bytes)
        let kind = try reader.byte()
        tag = try reader.half()
        number = try reader.integer()
        switch kind {
        case 1: body = .want(try reader.want())
        case 2: body = .offer(try reader.offer())
        case 3: body = .ask(ExchangeAsk(serial: try reader.integer(), isLast: try reader.bool(), documents: try reader.versions()))
        case 4: body = .give(try reader.part())
        case 5:
            body = .status(
                ExchangeStatus(wantsAnswer: try reader.bool(), granted: try reader.integer(), taken: try reader.integer()))
        case 6: body = .query(try reader.names(atMost: DocumentLimits.offerDocuments))
        case 7: body = .refuse(ExchangeRefusal(code: try reader.byte(), name: try reader.name(canBeEmpty: true)))
        default: throw DocumentFeedError(.newerVersion, "a message of kind \(kind)")
        }
        try reader.end()
    }
}

extension ExchangeWriter {
    fileprivate mutating func write(_ want: ExchangeWant) {
        byte(ExchangeReader.version)
        write(want.interest)
        write(want.cursor)
        integer(want.granted)
    }

    mutating func write(_ interest: DocumentInterest) {
        write(interest.names)
        write(interest.prefixes)
    }

    mutating func write(_ cursor: ExchangeCursor) {
        word(cursor.log)
        integer(cursor.offset)
        write(cursor.unlisted)
        name(cursor.lastName)
    }

    fileprivate mutating func write(_ names: [String]) {
        integer(names.count)
        for value in names { name(value) }
    }

    fileprivate mutating func write(_ offer: ExchangeOffer) {
        integer(offer.serial)
        write(offer.cursor)
        write(offer.documents)
    }

    fileprivate mutating func write(_ documents: [ExchangeVersion]) {
        integer(documents.count)
        for document in documents {
            name(document.name)
            version(document.version)
        }
    }

    fileprivate mutating func write(_ part: ExchangePart) {
        byte(part.form.rawValue)
        name(part.name)
        version(part.version)
        integer(part.offset)
        integer(part.total)
        raw(part.bytes)
    }
}

extension ExchangeReader {
    static let version: UInt8 = 1

    fileprivate mutating func want() throws(DocumentFeedError) -> ExchangeWant {
        let version = try byte()
        guard version == Self.version else { throw DocumentFeedError(.newerVersion, "version \(version) of the exchange") }
        return ExchangeWant(interest: try interest(), cursor: try cursor(), granted: try integer())
    }

    mutating func interest() throws(DocumentFeedError) -> DocumentInterest {
        let names = try names(atMost: DocumentLimits.interestTerms)
        return try DocumentInterest(names: names, prefixes: try self.names(atMost: DocumentLimits.interestTerms, canBeEmpty: true))
    }

    mutating func cursor() throws(DocumentFeedError) -> ExchangeCursor {
        ExchangeCursor(log: try word(), offset: try integer(), unlisted: try interest(), lastName: try name(canBeEmpty: true))
    }

    fileprivate mutating func names(atMost maximum: Int, canBeEmpty: Bool = false) throws(DocumentFeedError) -> [String] {
        let count = try count(atMost: maximum, eachAtLeast: 1, "a number of names")
        var names: [String] = []
        for _ in 0..<count { names.append(try name(canBeEmpty: canBeEmpty)) }
        return names
    }

    fileprivate mutating func offer() throws(DocumentFeedError) -> ExchangeOffer {
        ExchangeOffer(serial: try integer(), cursor: try cursor(), documents: try versions())
    }

    fileprivate mutating func versions() throws(DocumentFeedError) -> [ExchangeVersion] {
        let count = try count(atMost: DocumentLimits.offerDocuments, eachAtLeast: 3, "a number of documents")
        var documents: [ExchangeVersion] = []
        for _ in 0..<count { documents.append(ExchangeVersion(name: try name(), version: try version())) }
        return documents
    }

    fileprivate mutating func part() throws(DocumentFeedError) -> ExchangePart {
        let code = try byte()
        guard let form = ExchangePart.Form(rawValue: code) else { throw DocumentFeedError(.newerVersion, "an update of form \(code)") }
        let name = try name()
        let version = try version()
        let offset = try integer(atMost: DocumentLimits.giveMaximum, "an offset")
        let total = try integer(atMost: DocumentLimits.giveMaximum, "an update")
        let bytes = Array(rest())
        guard offset + bytes.count <= total, !bytes.isEmpty || total == 0 else { throw malformed("a part that lies beside its whole") }
        return ExchangePart(form: form, name: name, version: version, offset: offset, total: total, bytes: bytes)
    }
}
