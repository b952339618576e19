internal import SkerryCRDT

extension FeedMessage {
    func encoded() -> [UInt8] {
        var writer = FeedWriter()
        switch self {
        case .hello(let hello): hello.write(to: &writer)
        case .frame(let frame): frame.write(to: &writer)
        case .refusal(let refusal): refusal.write(to: &writer)
        case .trimmed(let trimmed): trimmed.write(to: &writer)
        case .subscribe(let subscription): subscription.write(to: &writer)
        case .matches(let matches): matches.write(to: &writer)
        }
        return writer.bytes
    }
}

extension FeedHello {
    func write(to writer: inout FeedWriter) {
        writer.byte(FeedMessage.Kind.hello.rawValue)
        writer.integer(version)
        writer.fixed(session)
        writer.fixed(echo)
        writer.fixed(identity.cluster)
        writer.fixed(identity.site)
        writer.fixed(identity.origin.rawValue)
        writer.integer(identity.epoch)
        writer.integer(features)
        writer.fixed(horizon.rawValue)
        writer.integer(rate)
        writer.integer(grant)
        writer.integer(part)
        writer.integer(parts)
        writer.integer(pairs.count)
        for pair in pairs {
            writer.integer(pair.number)
            writer.fixed(pair.origin.rawValue)
            writer.integer(pair.sequence)
            writer.fixed(pair.tag)
        }
    }

    /// Most bytes of a pair.
    static let pairSize = 3 + 8 + 7 + 8
    /// Most bytes of the rest.
    static let headSize = 112
}

extension FeedFrame {
    func write(to writer: inout FeedWriter) {
        writer.byte(FeedMessage.Kind.frame.rawValue)
        writer.fixed(tag)
        writer.byte((position == nil ? 0 : 1) | (grant == nil ? 0 : 2) | (rate == nil ? 0 : 4) | (edge?.rawValue ?? 0))
        for value in [position, grant, rate] { if let value { writer.integer(value) } }
        writer.integer(haves.count)
        for have in haves {
            writer.integer(have.number << 2 | (have.rewinds ? 2 : 0) | (have.definition == nil ? 0 : 1))
            if let origin = have.definition { writer.fixed(origin.rawValue) }
            writer.integer(have.sequence)
        }
        for run in runs { run.write(to: &writer) }
    }
}

extension FeedRun {
    func write(to writer: inout FeedWriter) {
        writer.integer(number << 2 | (tag == nil ? 0 : 2) | (definition == nil ? 0 : 1))
        if let definition { writer.fixed(definition.rawValue) }
        writer.integer(first)
        if let tag { writer.fixed(tag) }
        writer.integer(entries.count << 1 | (isSigned ? 1 : 0))
        var stamp: UInt64 = 0
        for entry in entries {
            writer.write(entry, after: stamp, isSigned: isSigned)
            stamp = entry.stamp.rawValue
        }
    }
}

extension FeedWriter {
    /// An entry without its dot: the lengths, the stamp as a difference, the bytes.
    mutating func write(_ entry: FeedEntry, after stamp: UInt64, isSigned: Bool) {
        integer(entry.keyLength << 2 | Int(entry.kind.rawValue))
        integer(entry.body.count - entry.keyLength)
        signed(Int64(bitPattern: entry.stamp.rawValue &- stamp))
        raw(entry.body)
        if isSigned { raw(entry.signature) }
    }

    /// Most bytes that ``write(_:after:isSigned:)`` takes for an entry.
    static func sizeMaximum(_ entry: FeedEntry) -> Int { entry.body.count + entry.signature.count + 3 + 3 + 10 }
}

extension FeedRefusal {
    func write(to writer: inout FeedWriter) {
        writer.byte(FeedMessage.Kind.refusal.rawValue)
        writer.fixed(tag)
        writer.byte(code.rawValue)
        writer.fixed(dot.origin.rawValue)
        writer.integer(dot.sequence)
        writer.integer(amount)
        writer.fixed(horizon.rawValue)
    }
}

extension FeedTrimmed {
    func write(to writer: inout FeedWriter) {
        writer.byte(FeedMessage.Kind.trimmed.rawValue)
        writer.fixed(tag)
        writer.integer(floors.count)
        for floor in floors {
            writer.fixed(floor.origin.rawValue)
            writer.integer(floor.sequence)
        }
    }
}

extension FeedSubscription {
    func write(to writer: inout FeedWriter) {
        writer.byte(FeedMessage.Kind.subscribe.rawValue)
        writer.fixed(tag)
        cursor.write(to: &writer)
        writer.integer(grant)
        writer.integer(filter.prefixes.count)
        for prefix in filter.prefixes { writer.blob(prefix) }
    }
}

extension FeedCursor {
    func write(to writer: inout FeedWriter) {
        writer.fixed(log)
        writer.integer(offset)
    }
}

extension FeedMatches {
    func write(to writer: inout FeedWriter) {
        writer.byte(FeedMessage.Kind.matches.rawValue)
        writer.fixed(tag)
        writer.integer(position)
        from.write(to: &writer)
        cursor.write(to: &writer)
        writer.byte(isReset ? 1 : 0)
        writer.integer(entries.count)
        for entry in entries {
            writer.fixed(entry.dot.origin.rawValue)
            writer.integer(entry.dot.sequence)
            writer.byte(entry.signature.isEmpty ? 0 : 1)
            writer.hash(entry.link)
            writer.write(entry, after: 0, isSigned: !entry.signature.isEmpty)
        }
    }
}
