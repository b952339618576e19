internal import SkerryCRDT

extension FeedMessage {
    /// Reads a message from outside.
    ///
    /// - Throws: ``FeedError`` with the offset of the fault; nothing larger than the message is ever allocated.
    init(decoding bytes: UnsafeRawBufferPointer) throws(FeedError) {
        guard bytes.count <= FeedLimits.frameMaximum else { throw FeedError(.limitExceeded, "a message is too large") }
        var reader = FeedReader(bytes)
        let first = try reader.byte()
        guard let kind = Kind(rawValue: first) else { throw reader.malformed("no message is of this kind") }
        switch kind {
        case .hello: self = .hello(try FeedHello(from: &reader))
        case .frame: self = .frame(try FeedFrame(from: &reader))
        case .refusal: self = .refusal(try FeedRefusal(from: &reader))
        case .trimmed: self = .trimmed(try FeedTrimmed(from: &reader))
        case .subscribe: self = .subscribe(try FeedSubscription(from: &reader))
        case .matches: self = .matches(try FeedMatches(from: &reader))
        }
        try reader.end()
    }
}

extension FeedReader {
    mutating func origin() throws(FeedError) -> OriginID { OriginID(rawValue: try fixed64()) }

    mutating func number() throws(FeedError) -> Int { Int(try integer(atMost: UInt64(FeedLimits.origins - 1), "the number of an origin")) }

    mutating func sequence() throws(FeedError) -> UInt64 { try integer(atMost: FeedLimits.sequenceMaximum, "a sequence") }

    mutating func cursor() throws(FeedError) -> FeedCursor { FeedCursor(log: try fixed64(), offset: try integer()) }

    /// An entry without origin, sequence, digest and link.
    mutating func entry(after stamp: UInt64, isSigned: Bool) throws(FeedError) -> FeedEntry {
        let shape = try integer(atMost: UInt64(FeedLimits.keyMaximum) << 2 | 3, "the length of a key")
        guard let kind = FeedEntry.Kind(rawValue: UInt8(shape & 3)) else { throw malformed("no entry is of this kind") }
        let keyLength = Int(shape >> 2)
        let valueLength = Int(try integer(atMost: UInt64(FeedLimits.bodyMaximum - keyLength), "the length of a value"))
        let difference = try signed()
        let body = try raw(keyLength + valueLength)
        let signature = isSigned ? Array(try raw(FeedLimits.signatureLength)) : []
        return FeedEntry(
            dot: Dot(origin: OriginID(rawValue: 0), sequence: 0), stamp: HybridTimestamp(rawValue: stamp &+ UInt64(bitPattern: difference)),
            kind: kind, body: Array(body), keyLength: keyLength, digest: .zero, link: .zero, signature: signature)
    }
}

extension FeedHello {
    init(from reader: inout FeedReader) throws(FeedError) {
        version = try reader.integer()
        guard version >= FeedHello.version else { throw FeedError(.mismatch, "version \(version) is not spoken here") }
        session = try reader.fixed32()
        echo = try reader.fixed32()
        identity = FeedIdentity(
            cluster: try reader.fixed64(), site: try reader.fixed64(), origin: try reader.origin(), epoch: try reader.integer())
        features = try reader.integer()
        horizon = HybridTimestamp(rawValue: try reader.fixed64())
        rate = try reader.integer()
        grant = try reader.integer()
        part = Int(try reader.integer(atMost: UInt64(FeedLimits.helloParts), "the part of a HELLO"))
        parts = Int(try reader.integer(atMost: UInt64(FeedLimits.helloParts), "the parts of a HELLO"))
        guard session != 0, part < parts else { throw reader.malformed("a HELLO has no such part") }
        let count = try reader.count(atMost: FeedLimits.pairsPerFrame, eachAtLeast: 18, "a digest")
        pairs = []
        pairs.reserveCapacity(count)
        for _ in 0..<count {
            pairs.append(
                FeedPair(
                    number: try reader.number(), origin: try reader.origin(), sequence: try reader.sequence(), tag: try reader.fixed64()))
        }
    }
}

extension FeedFrame {
    init(from reader: inout FeedReader) throws(FeedError) {
        tag = try reader.fixed32()
        let shape = try reader.byte()
        guard shape < 32, shape & 24 != 24 else { throw reader.malformed("a frame has no such parts") }
        edge = FeedEdge(rawValue: shape & 24)
        position = shape & 1 == 0 ? nil : try reader.integer()
        grant = shape & 2 == 0 ? nil : try reader.integer()
        rate = shape & 4 == 0 ? nil : try reader.integer()
        let count = try reader.count(atMost: FeedLimits.pairsPerFrame, eachAtLeast: 2, "a digest")
        haves.reserveCapacity(count)
        for _ in 0..<count {
            let shape = try reader.integer(atMost: UInt64(FeedLimits.origins) << 2 - 1, "the number of an origin")
            let definition = shape & 1 == 0 ? nil : try reader.origin()
            haves.append(
                FeedHave(number: Int(shape >> 2), definition: definition, rewinds: shape & 2 != 0, sequence: try reader.sequence()))
        }
        while !reader.isAtEnd {
            guard runs.count < FeedLimits.runsPerFrame else { throw FeedError(.limitExceeded, "too many runs in a frame") }
            runs.append(try FeedRun(from: &reader))
        }
    }
}

extension FeedRun {
    init(from reader: inout FeedReader) throws(FeedError) {
        let shape = try reader.integer(atMost: UInt64(FeedLimits.origins) << 2 - 1, "the number of an origin")
        number = Int(shape >> 2)
        definition = shape & 1 == 0 ? nil : try reader.origin()
        first = try reader.sequence()
        guard first > 0 else { throw reader.malformed("sequences begin with 1") }
        tag = shape & 2 == 0 ? nil : try reader.fixed64()
        let size = try reader.integer(atMost: UInt64(FeedLimits.frameMaximum), "a run")
        isSigned = size & 1 != 0
        let count = Int(size >> 1)
        guard count > 0, count <= reader.remaining / 3 else { throw reader.malformed("the bytes end too early") }
        guard first + UInt64(count) <= FeedLimits.sequenceMaximum else { throw FeedError(.limitExceeded, "a sequence is too large") }
        entries = []
        entries.reserveCapacity(count)
        var stamp: UInt64 = 0
        for _ in 0..<count {
            let entry = try reader.entry(after: stamp, isSigned: isSigned)
            stamp = entry.stamp.rawValue
            entries.append(entry)
        }
    }
}

extension FeedRefusal {
    init(from reader: inout FeedReader) throws(FeedError) {
        tag = try reader.fixed32()
        let value = try reader.byte()
        guard let code = FeedError.Code(rawValue: value) else { throw reader.malformed("no refusal has this code") }
        self.code = code
        dot = Dot(origin: try reader.origin(), sequence: try reader.sequence())
        amount = try reader.integer()
        horizon = HybridTimestamp(rawValue: try reader.fixed64())
    }
}

extension FeedTrimmed {
    init(from reader: inout FeedReader) throws(FeedError) {
        tag = try reader.fixed32()
        let count = try reader.count(atMost: FeedLimits.pairsPerFrame, eachAtLeast: 9, "a digest")
        floors = []
        for _ in 0..<count { floors.append(Dot(origin: try reader.origin(), sequence: try reader.sequence())) }
    }
}

extension FeedSubscription {
    init(from reader: inout FeedReader) throws(FeedError) {
        tag = try reader.fixed32()
        cursor = try reader.cursor()
        grant = try reader.integer()
        let count = try reader.count(atMost: FeedLimits.filterPrefixes, eachAtLeast: 1, "a filter")
        var prefixes: [[UInt8]] = []
        for _ in 0..<count {
            let length = Int(try reader.integer(atMost: UInt64(FeedLimits.keyMaximum), "a prefix"))
            prefixes.append(Array(try reader.raw(length)))
        }
        filter = try InterestFilter(prefixes: prefixes)
        guard filter.prefixes == prefixes else { throw reader.malformed("the prefixes of a filter ascend, and none begins with another") }
    }
}

extension FeedMatches {
    init(from reader: inout FeedReader) throws(FeedError) {
        tag = try reader.fixed32()
        position = try reader.integer()
        from = try reader.cursor()
        cursor = try reader.cursor()
        let flag = try reader.byte()
        guard flag <= 1 else { throw reader.malformed("a flag is 0 or 1") }
        isReset = flag == 1
        let count = try reader.count(atMost: FeedLimits.scanEntries, eachAtLeast: 45, "a list of entries")
        entries = []
        for _ in 0..<count {
            let origin = try reader.origin()
            let sequence = try reader.sequence()
            let signed = try reader.byte()
            guard signed <= 1 else { throw reader.malformed("a flag is 0 or 1") }
            let link = try reader.hash()
            var entry = try reader.entry(after: 0, isSigned: signed == 1)
            entry.dot = Dot(origin: origin, sequence: sequence)
            entry.link = link
            entry.digest = entry.body.withUnsafeBytes { body in
                FeedHash.digest(stamp: entry.stamp, dot: entry.dot, kind: entry.kind, keyLength: entry.keyLength, body: body)
            }
            entries.append(entry)
        }
    }
}
