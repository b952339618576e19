extension DocumentCore {
    /// Whether any text has marks.
    var hasMarks: Bool {
        if isDefective(.snapshotForgetsMarks) { return false }
        for slot in 0..<texts.count where !texts[slot].marks.isEmpty { return true }
        return false
    }

    /// The body of a snapshot chunk.
    mutating func encodeSnapshot() -> ByteWriter {
        let hasMarks = hasMarks
        var body = ByteWriter()
        body.write(varint: graph.count)
        // Sorted, so that equal documents have equal snapshots.
        let dots = version.dots
        body.write(varint: dots.count)
        for dot in dots {
            body.write(fixed: dot.origin.rawValue)
            body.write(varint: dot.sequence)
        }
        let heads = graph.headDots.sorted()
        body.write(varint: heads.count)
        for head in heads {
            body.write(varint: dots.firstIndex { $0.origin == head.origin }!)
            body.write(varint: head.sequence)
        }
        body.write(varint: containers.count)
        for name in containers.names {
            body.write(name.kind.rawValue)
            body.write(varint: name.parent == ContainerTable.root ? 0 : Int(name.parent) + 1)
            body.write(string: name.key)
        }
        body.write(fixed: clock.highWater.rawValue)
        var origins = SnapshotOrigins(dots)
        for container in 0..<containers.count {
            let slot = containers.slot(of: UInt32(container))
            switch containers.kind(of: UInt32(container)) {
            case .text:
                texts[slot].encodeState(to: &body)
                if hasMarks {
                    if !texts[slot].marks.isEmpty { texts[slot].identify(graph: graph, scratch: &scratch) }
                    texts[slot].encodeMarks(to: &body)
                }
            case .list: lists[slot].encodeState(to: &body, origins: &origins)
            case .map, .counter, .set, .register: values[slot].encodeState(to: &body, origins: &origins)
            }
        }
        return body
    }

    /// Fills an empty core.
    mutating func decodeSnapshot(_ bytes: UnsafeBufferPointer<UInt8>, hasMarks: Bool) throws(DocumentError) {
        var reader = ByteReader(bytes)
        var base = EventGraph.Base()
        base.count = try reader.count(atMost: EventGraph.limit - 1, "the number of events")
        let origins = try decodeVersion(&reader, into: &base)
        let count = try reader.count(atMost: min(UpdateDecoder.namesMaximum, reader.remaining / 3), "the number of containers")
        var names: [ChangeBatch.Container] = []
        for index in 0..<count {
            let name = try ChangeBatch.Container(&reader, known: names, count: index)
            names.append(name)
            let number = container(ContainerTable.Name(parent: name.parent, key: name.key, kind: name.kind))
            guard number == index else { throw reader.damaged("a container stands there twice") }
        }
        let highWater = HybridTimestamp(rawValue: try reader.fixed64())
        guard highWater.isPlausible else { throw reader.damaged("a stamp near the end of time") }
        if !isDefective(.clockNotPersisted) { clock.restore(highWater) }
        let version = UInt32(max(base.count, 1) - 1)
        for container in 0..<containers.count {
            let slot = containers.slot(of: UInt32(container))
            switch containers.kind(of: UInt32(container)) {
            case .text:
                try texts[slot].decodeState(&reader)
                if hasMarks { try texts[slot].decodeMarks(&reader, version: version) }
            case .list: try lists[slot].decodeState(&reader, version: version, origins: origins)
            case .map, .counter, .set, .register: try values[slot].decodeState(&reader, version: version, origins: origins)
            }
        }
        guard reader.isAtEnd else { throw reader.damaged("bytes are left over") }
        graph.start(from: base)
        restartClocks()
    }

    private mutating func decodeVersion(
        _ reader: inout ByteReader, into base: inout EventGraph.Base
    ) throws(DocumentError) -> SnapshotOrigins {
        var origins: [Dot] = []
        var events = 0
        for _ in 0..<(try reader.count(atMost: reader.remaining / 9, "the number of origins")) {
            let origin = OriginID(rawValue: try reader.fixed64())
            let sequence = try reader.count(atMost: base.count - events, "a sequence")
            guard sequence > 0, origins.last.map({ $0.origin < origin }) ?? true else { throw reader.damaged("origins are out of order") }
            origins.append(Dot(origin: origin, sequence: UInt64(sequence)))
            events += sequence
            let number = Int(graph.number(of: origin))
            while base.sequences.count <= number { base.sequences.append(0) }
            base.sequences[number] = UInt32(sequence)
        }
        guard events == base.count else { throw reader.damaged("the number of events is not that of the origins") }
        for _ in 0..<(try reader.count(atMost: origins.count, "the number of heads")) {
            let index = try reader.count(atMost: origins.count - 1, "the number of an origin")
            let sequence = try reader.varint()
            guard sequence > 0, sequence <= origins[index].sequence else {
                throw reader.damaged("a head that is not here")
            }
            base.heads.append(Dot(origin: origins[index].origin, sequence: sequence))
        }
        guard base.heads.isEmpty == (events == 0) else { throw reader.damaged("a version without heads") }
        return SnapshotOrigins(origins)
    }
}

extension TextState {
    func encodeState(to writer: inout ByteWriter) {
        writer.write(varint: rope.total.bytes)
        rope.forEachStretch { writer.write($0) }
    }

    mutating func decodeState(_ reader: inout ByteReader) throws(DocumentError) {
        let bytes = try reader.bytes(reader.count(atMost: reader.remaining, "the length of a text"))
        guard let measure = UTF8Validation.measure(bytes) else { throw reader.damaged("a text is not UTF-8") }
        guard measure.scalars <= ChangeBatch.positionMaximum else { throw reader.damaged("a text is too long") }
        if let start = bytes.baseAddress { rope.insert(start, measure, at: 0) }
        sequence.count = measure.scalars
        sequence.baseCount = measure.scalars
    }
}
