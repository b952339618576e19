// References: what this side hosts (exports) and what the peer hosts (imports). An export counts how often it crossed; the importer gives the same number
// back. The count settles the race between a reference that is given back and one that is just crossing.

extension SessionCore {
    /// Makes an id for something that this side hosts.
    ///
    /// It crosses when it is put into the references of a call, a reply or an element, and is gone when the peer has given back all introductions
    /// (``SessionEvent/released(_:)``).
    ///
    /// - Throws: ``SessionError/Code/tooMany`` when the table is full, ``SessionError/Code/wrongKind`` for `.null`, ``SessionError/Code/closed``.
    public mutating func export(_ kind: SessionReference.Kind, isRendezvous: Bool = false) throws(SessionError) -> ReferenceID {
        guard !isOver else { throw SessionError(.closed, "the session is over") }
        guard kind != .null else { throw SessionError(.wrongKind, "nothing cannot be exported") }
        guard exportCount < configuration.exports else { throw SessionError(.tooMany, "\(exportCount) references are exported") }
        let slot = try takeExport()
        exports[slot].kind = kind
        exports[slot].isRendezvous = isRendezvous && kind != .service
        exports[slot].introductions = 0
        exports[slot].pins = 0
        exports[slot].isAnnounced = false
        exports[slot].isWithdrawn = false
        exports[slot].isClosed = false
        exports[slot].closePending = nil
        exports[slot].channel =
            kind == .service
            ? -1 : makeChannel(exports[slot].id, isProducer: kind == .receiver, isRendezvous: exports[slot].isRendezvous)
        exportCount += 1
        return ReferenceID(rawValue: exports[slot].id)
    }

    /// Takes an export back that was never put into a frame; false if it was, or is not there.
    ///
    /// Elements that wait for the introduction of their own channel may introduce others, and even in a ring. What only such elements introduce is gone as soon as
    /// all that would bring it across were withdrawn: the last one with this call, the others, and what only they introduced, with ``SessionEvent/released(_:)``.
    /// False does no harm to something that is put into a frame again.
    ///
    /// O(what its waiting elements introduce).
    public mutating func withdraw(_ id: ReferenceID) -> Bool {
        guard let slot = liveExport(id.rawValue), !exports[slot].isAnnounced else { return false }
        guard exports[slot].introductions > 0 else {
            removeExport(slot)
            return true
        }
        exports[slot].isWithdrawn = true
        return removeRing(slot, reportsFirst: false)
    }

    /// Gives back introductions of a reference that the peer hosts. When all were, it is gone; a channel end is thereby closed.
    ///
    /// Every entry of the references of a call, a reply or a block is one introduction, including those that nobody claimed.
    /// What is queued and names the reference is still sent before.
    ///
    /// - Parameter introductions: how many, at most those that were not given back; more are ignored.
    public mutating func release(_ id: ReferenceID, introductions: Int) {
        guard let slot = liveImport(id.rawValue) else { return }
        let count = min(introductions, imports[slot].introductions - imports[slot].releasePending)
        guard count > 0 else { return }
        imports[slot].releasePending += count
        if !imports[slot].isHeld, !imports[slot].isConcealed, imports[slot].channel >= 0 { letGo(imports[slot].channel) }
        releaseIfIdle(slot)
    }

    /// What kind of reference this is, if it is one of this session that may be named in frames.
    @inline(__always)
    func kind(of id: ReferenceID) -> SessionReference.Kind? {
        if id.rawValue & 1 == role.parity { return liveExport(id.rawValue).map { exports[$0].kind } }
        return liveImport(id.rawValue).map { imports[$0].kind }
    }

    @inline(__always)
    func liveExport(_ id: UInt64) -> Int? {
        let slot = SlotID.slot(id, slotBits: SessionLimits.referenceSlotBits)
        guard slot < exports.count, exports[slot].id == id, exports[slot].isLive else { return nil }
        return slot
    }

    @inline(__always)
    func liveImport(_ id: UInt64) -> Int? {
        let slot = SlotID.slot(id, slotBits: SessionLimits.referenceSlotBits)
        guard slot < imports.count, imports[slot].id == id, imports[slot].isLive else { return nil }
        return slot
    }

    /// An id that is not live must at least have been.
    func checkWasExported(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) {
        let slot = SlotID.slot(id, slotBits: SessionLimits.referenceSlotBits)
        guard slot < exports.count, exports[slot].id >= id, exports[slot].id != id || !exports[slot].isLive else {
            throw reader.violation(.unknownReference, "\(id) was never introduced")
        }
    }

    func checkWasImported(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) {
        let slot = SlotID.slot(id, slotBits: SessionLimits.referenceSlotBits)
        guard id != 0, slot < imports.count, SlotID.generation(id, slotBits: SessionLimits.referenceSlotBits) < imports[slot].nextGeneration
        else { throw reader.violation(.unknownReference, "\(id) was never introduced") }
    }
}

// MARK: - Slots

extension SessionCore {
    private mutating func takeExport() throws(SessionError) -> Int {
        if freeExport >= 0 {
            let slot = freeExport
            freeExport = exports[slot].nextFree
            exports[slot].generation += 1
            exports[slot].id = exportID(slot, exports[slot].generation)
            return slot
        }
        // Place 0 stays empty: its first id would be 0, which names the root.
        if exports.isEmpty { exports.append(Export()) }
        guard exports.count < SessionLimits.exports else { throw SessionError(.exhausted, "all ids of references were used") }
        let slot = exports.count
        exports.append(Export(id: exportID(slot, 0)))
        return slot
    }

    private func exportID(_ slot: Int, _ generation: UInt64) -> UInt64 {
        SlotID.make(slot: slot, generation: generation, slotBits: SessionLimits.referenceSlotBits, parity: role.parity)
    }

    private mutating func removeExport(_ slot: Int) {
        if exports[slot].channel >= 0 { removeChannel(exports[slot].channel) }
        exports[slot].channel = -1
        exports[slot].kind = .null
        exports[slot].closePending = nil
        exportCount -= 1
        guard exports[slot].generation < SlotID.lastGeneration(slotBits: SessionLimits.referenceSlotBits) else { return }
        exports[slot].nextFree = freeExport
        freeExport = slot
    }

    mutating func freeExportIfUnused(_ id: UInt64, into events: inout [SessionEvent]) {
        guard let slot = liveExport(id), exports[slot].introductions == 0, exports[slot].pins == 0 else { return }
        removeExport(slot)
        events.append(.released(ReferenceID(rawValue: id)))
    }

    /// Gives back what is to be given back, unless something queued still names the reference.
    private mutating func releaseIfIdle(_ slot: Int) {
        guard imports[slot].releasePending > 0, imports[slot].pins == 0 else { return }
        let channel = imports[slot].channel
        if channel >= 0, channels[channel].isProducer, !channels[channel].isDrained { return }
        let count = imports[slot].releasePending
        imports[slot].releasePending = 0
        imports[slot].introductions -= count
        queueRelease(imports[slot].id, count)
        if imports[slot].introductions == 0 { removeImport(slot) }
    }

    private mutating func queueRelease(_ id: UInt64, _ count: Int) {
        if let last = releases.indices.last, releases[last].id == id {
            releases[last].count += count
        } else {
            releases.append(Introductions(id: id, count: count))
        }
        // The frame takes no more, and stays small beside the others of its packet.
        if releases.count >= 1_024 { queueReleases() }
    }

    private mutating func removeImport(_ slot: Int) {
        if imports[slot].channel >= 0 {
            imports[slot].residue = channels[imports[slot].channel].residue
            removeChannel(imports[slot].channel)
        }
        imports[slot].channel = -1
        imports[slot].kind = .null
        importCount -= 1
    }

    /// The queue of a producer's channel is empty: a reference that waited for that is given back.
    mutating func releaseIfDrained(_ id: UInt64) {
        guard id & 1 == peerParity, let slot = liveImport(id) else { return }
        releaseIfIdle(slot)
    }
}

// MARK: - Rings

extension SessionCore {
    /// Removes a withdrawn export, and others with it, if nothing that can still leave introduces them: all of them were withdrawn, and their introductions are in
    /// elements of their own channels, which wait for exactly that. Returns whether it did.
    ///
    /// What introduces a member of such a set is a member. A member that cannot be reached from `first` would belong to a set without `first`, and that one went
    /// when it came about. So it is enough to look from `first` onwards.
    private mutating func removeRing(_ first: Int, reportsFirst: Bool) -> Bool {
        var members = candidates(from: first)
        var isSmaller = true
        while isSmaller, !members.isEmpty {
            var counts: [Int: Int] = [:]
            for slot in members { forEachWaitingIntroduction(slot) { counts[$0, default: 0] += 1 } }
            let rest = members.filter { exports[$0].pins == 0 && exports[$0].introductions == counts[$0, default: 0] }
            isSmaller = rest.count < members.count
            members = rest
        }
        guard members.first == first else { return false }
        // None of them is live any more when their elements are dropped.
        for slot in members { exports[slot].kind = .null }
        for slot in members {
            let id = ReferenceID(rawValue: exports[slot].id)
            removeExport(slot)
            if slot != first || reportsFirst { pendingEvents.append(.released(id)) }
        }
        return true
    }

    /// Withdrawn exports that are reached through waiting elements, `first` included, in the order of discovery.
    private func candidates(from first: Int) -> [Int] {
        var found = [first]
        var seen: Set<Int> = [first]
        var next = 0
        while next < found.count {
            forEachWaitingIntroduction(found[next]) { slot in
                if exports[slot].isWithdrawn, !exports[slot].isAnnounced, seen.insert(slot).inserted {
                    found.append(slot)
                }
            }
            next += 1
        }
        return found
    }

    /// The exports that elements waiting on the channel of an export introduce, each as often as they do.
    private func forEachWaitingIntroduction(_ slot: Int, _ visit: (Int) -> Void) {
        guard exports[slot].channel >= 0 else { return }
        for block in channels[exports[slot].channel].blocks.elements {
            for reference in block.references where reference.kind != .null && reference.id.rawValue & 1 == role.parity {
                if let slot = liveExport(reference.id.rawValue) { visit(slot) }
            }
        }
    }
}

// MARK: - Crossing

extension SessionCore {
    /// Counts what a queued frame introduces. A message keeps its place before a later release; an element does not, so it holds what it names.
    mutating func introduce(_ references: [SessionReference], isMessage: Bool) {
        for reference in references where reference.kind != .null && reference.promise == nil {
            let id = reference.id.rawValue
            if id & 1 == role.parity {
                guard let slot = liveExport(id) else { continue }
                exports[slot].introductions += 1
                exports[slot].isWithdrawn = false
                if isMessage, !exports[slot].isAnnounced {
                    unannounced.append(Announcement(position: messagesQueued, slot: slot, id: id))
                }
            } else if !isMessage, let slot = liveImport(id) {
                imports[slot].pins += 1
            }
        }
    }

    /// An element with references is in a packet.
    mutating func elementsLeft(_ references: [SessionReference]) {
        for reference in references where reference.kind != .null {
            let id = reference.id.rawValue
            if id & 1 == role.parity {
                if let slot = liveExport(id) { announced(slot, id) }
            } else {
                unpin(id)
            }
        }
    }

    /// An element with references is dropped unsent: what it would have introduced does not cross.
    mutating func elementsDropped(_ references: [SessionReference]) {
        for reference in references where reference.kind != .null {
            let id = reference.id.rawValue
            guard id & 1 == role.parity else {
                unpin(id)
                continue
            }
            guard let slot = liveExport(id) else { continue }
            exports[slot].introductions -= 1
            guard exports[slot].introductions == 0 else {
                if exports[slot].isWithdrawn { _ = removeRing(slot, reportsFirst: true) }
                continue
            }
            var events: [SessionEvent] = []
            freeExportIfUnused(id, into: &events)
            pendingEvents.append(contentsOf: events)
        }
    }

    private mutating func unpin(_ id: UInt64) {
        guard let slot = liveImport(id) else { return }
        imports[slot].pins -= 1
        releaseIfIdle(slot)
    }

    /// A kept reply holds what it refers to.
    mutating func pin(_ reference: SessionReference, by count: Int) {
        guard reference.kind != .null else { return }
        let id = reference.id.rawValue
        if id & 1 == role.parity {
            if let slot = liveExport(id) { exports[slot].pins += count }
        } else if count > 0 {
            if let slot = liveImport(id) { imports[slot].pins += count }
        } else {
            unpin(id)
        }
    }

    /// References of a frame that nobody will see: what waits for one that brings them goes on waiting.
    mutating func giveBack(_ references: [SessionReference]) {
        revealed.removeAll()
        for reference in references where reference.kind != .null && reference.id.rawValue & 1 == peerParity {
            release(reference.id, introductions: 1)
        }
    }

    mutating func arrived(_ raw: [FrameReader.RawReference], _ reader: FrameReader) throws(ProtocolViolation) -> [SessionReference] {
        var references: [SessionReference] = []
        references.reserveCapacity(raw.count)
        for entry in raw { references.append(try arrived(entry, reader)) }
        return references
    }

    mutating func arrived(_ raw: FrameReader.RawReference, _ reader: FrameReader) throws(ProtocolViolation) -> SessionReference {
        let kind: SessionReference.Kind
        switch raw.tag {
        case ReferenceTag.null: return .null
        case ReferenceTag.service: kind = .service
        case ReferenceTag.sender, ReferenceTag.rendezvousSender: kind = .sender
        case ReferenceTag.receiver, ReferenceTag.rendezvousReceiver: kind = .receiver
        default: throw reader.violation(.wrongKind, "a promise can only stand in a call")
        }
        let isRendezvous = raw.tag == ReferenceTag.rendezvousSender || raw.tag == ReferenceTag.rendezvousReceiver
        guard raw.id != 0 else { throw reader.violation(.unknownReference, "the root is not introduced") }
        let reference = SessionReference(kind: kind, isRendezvous: isRendezvous, id: ReferenceID(rawValue: raw.id))
        return raw.id & 1 == role.parity ? try cameHome(reference, reader) : try introduced(reference, reader)
    }

    /// One of this side's own comes back.
    private func cameHome(_ reference: SessionReference, _ reader: FrameReader) throws(ProtocolViolation) -> SessionReference {
        let id = reference.id.rawValue
        guard let slot = liveExport(id) else {
            try checkWasExported(id, reader)
            return .null
        }
        guard exports[slot].kind == reference.kind else { throw reader.violation(.wrongKind, "\(id) is a \(exports[slot].kind)") }
        return reference
    }

    /// One of the peer's comes, anew or once more.
    private mutating func introduced(_ reference: SessionReference, _ reader: FrameReader) throws(ProtocolViolation) -> SessionReference {
        let id = reference.id.rawValue
        let slot = SlotID.slot(id, slotBits: SessionLimits.referenceSlotBits)
        let generation = SlotID.generation(id, slotBits: SessionLimits.referenceSlotBits)
        guard slot > 0 else { throw reader.violation(.slotOutOfRange, "\(id) has place 0") }
        if slot >= imports.count { imports.append(contentsOf: repeatElement(Import(), count: slot + 1 - imports.count)) }
        if imports[slot].isLive, imports[slot].id == id {
            guard imports[slot].kind == reference.kind else { throw reader.violation(.wrongKind, "\(id) is a \(imports[slot].kind)") }
            imports[slot].introductions += 1
            if imports[slot].channel >= 0 { grantIfDue(imports[slot].channel) }
            if imports[slot].isConcealed { revealed.append(slot) }
            return reference
        }
        // A reference that was given back may come again as long as its host keeps it; an older one may not.
        guard !imports[slot].isLive, generation + 1 >= imports[slot].nextGeneration else {
            throw reader.violation(.idReused, "\(id) takes the place of \(imports[slot].id)")
        }
        let residue = imports[slot].id == id ? imports[slot].residue : nil
        imports[slot].residue = nil
        imports[slot].id = id
        imports[slot].nextGeneration = generation + 1
        imports[slot].kind = reference.kind
        imports[slot].isRendezvous = reference.isRendezvous
        imports[slot].introductions = 1
        imports[slot].releasePending = 0
        imports[slot].pins = 0
        imports[slot].isClosed = false
        imports[slot].isConcealed = false
        importCount += 1
        guard reference.kind != .service else { return reference }
        let channel = makeChannel(id, isProducer: reference.kind == .sender, isRendezvous: reference.isRendezvous)
        imports[slot].channel = channel
        if let residue {
            channels[channel].restore(residue)
            grantIfDue(channel)
            if residue.isClosedThere { tellClosedAgain(slot, channel) }
        }
        return reference
    }
}

extension SessionCore {
    /// The channel was closed there before the reference came back: who has it now hears of that behind the frame that brought it.
    private mutating func tellClosedAgain(_ slot: Int, _ channel: Int) {
        channels[channel].concealed.append(.closed(ReferenceID(rawValue: imports[slot].id), .finished))
        imports[slot].isConcealed = true
        revealed.append(slot)
    }
}

// MARK: - Concealment

extension SessionCore {
    /// References that came with a call that is held, or with elements that are concealed themselves: what happens on them waits until those are
    /// reported, or the application would hear of what it does not know.
    ///
    /// - Parameter known: what was live before. Of those the concealed ones stay so.
    mutating func conceal(_ references: [SessionReference], known: Set<ReferenceID>) {
        revealed.removeAll()
        for reference in references where reference.kind != .null && !known.contains(reference.id) {
            if let slot = liveImport(reference.id.rawValue) { imports[slot].isConcealed = true }
        }
    }

    /// Those of the references that this side holds already.
    func known(_ raw: [FrameReader.RawReference]) -> Set<ReferenceID> {
        Set(raw.map { ReferenceID(rawValue: $0.id) }.filter { liveImport($0.rawValue) != nil })
    }

    /// A frame that brought these references was reported: what waited for that follows.
    mutating func reveal(_ references: [SessionReference], into events: inout [SessionEvent]) {
        for reference in references where reference.kind != .null {
            if let slot = liveImport(reference.id.rawValue) { reveal(slot, into: &events) }
        }
    }

    /// The same for references that were concealed when another frame brought them again.
    @inline(__always)
    mutating func revealAgain(into events: inout [SessionEvent]) {
        guard !revealed.isEmpty else { return }
        let slots = revealed
        revealed.removeAll()
        for slot in slots { reveal(slot, into: &events) }
    }

    private mutating func reveal(_ slot: Int, into events: inout [SessionEvent]) {
        guard imports[slot].isLive, imports[slot].isConcealed else { return }
        imports[slot].isConcealed = false
        let channel = imports[slot].channel
        if channel >= 0 {
            let concealed = channels[channel].concealed
            channels[channel].concealed = []
            for event in concealed {
                events.append(event)
                if case .elements(_, let block) = event { reveal(block.references, into: &events) }
            }
        } else if imports[slot].isClosed {
            events.append(.closed(ReferenceID(rawValue: imports[slot].id), .finished))
        }
    }
}

// MARK: - RELEASE

extension SessionCore {
    mutating func receiveRelease(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let count = isText ? Int.max : try reader.natural(below: SessionLimits.exports + 1, "a number of references")
        var done = 0
        while done < count, try !reader.isAtEndOfFrame() {
            let id = try reader.identifier()
            let introductions = try reader.natural(below: 1 << 32, "a number of introductions")
            try released(id, introductions, reader, into: &events)
            done += 1
        }
        guard isText || done == count else { throw reader.malformed("\(done) of \(count) references") }
        try reader.endFrame()
    }

    private mutating func released(
        _ id: UInt64, _ count: Int, _ reader: FrameReader, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        guard id & 1 == role.parity else { throw reader.violation(.wrongParity, "\(id) is given back, which the peer itself hosts") }
        guard let slot = liveExport(id) else {
            if has(.releaseUnchecked) { return }
            throw reader.violation(.unknownReference, "\(id) is given back, which is not there")
        }
        guard count > 0, count <= exports[slot].introductions else {
            if has(.releaseUnchecked) { return }
            throw reader.violation(.releaseBelowZero, "\(id) is given back \(count) times, introduced \(exports[slot].introductions) times")
        }
        exports[slot].introductions -= count
        freeExportIfUnused(id, into: &events)
    }
}

extension FrameReader {
    /// Whether no more fields follow in the frame.
    func isAtEndOfFrame() throws(ProtocolViolation) -> Bool {
        guard isText else { return offset >= end }
        var reader = self
        return reader.takeText(UInt8(ascii: "]"))
    }
}
