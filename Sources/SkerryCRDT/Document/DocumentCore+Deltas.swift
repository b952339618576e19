extension DocumentCore {
    /// The names from the root to a container.
    func path(of container: UInt32) -> ContainerPath {
        let name = containers.names[Int(container)]
        if name.parent == ContainerTable.root { return ContainerPath(key: name.key, kind: name.kind) }
        return path(of: name.parent).appending(key: name.key, kind: name.kind)
    }

    /// Notes what happened to a container, joined with what just happened to it.
    mutating func note(_ effect: ContainerDelta.Effect, of container: UInt32) {
        if !deltas.isEmpty, notedContainer == container, deltas[deltas.count - 1].effect.append(effect) { return }
        notedContainer = container
        deltas.append(ContainerDelta(container: path(of: container), effect: effect))
    }

    /// Puts what was noted into the outbox, as one change.
    ///
    /// - Parameter events: what became part of the document; nil for own events.
    mutating func publish(_ source: DocumentChange.Source, _ events: ImportResult? = nil) {
        if isWatched { noteMarks() }
        if deltas.isEmpty { return }
        published += 1
        let origins = events.map { Set($0.appliedRanges.map(\.origin)).sorted() } ?? [origin]
        outbox.append((published, DocumentChange(source: source, origins: origins, deltas: deltas)))
        deltas.removeAll()
    }

    // MARK: - By kind

    mutating func noteValue(_ effect: ValueState.Effect, of container: UInt32) {
        guard isWatched else { return }
        let slot = containers.slot(of: container)
        switch effect {
        case .key(let key, let before):
            let after = values[slot].registers[key]?.value
            if before?.value != after { note(.keys([KeyEdit(key: key, before: before?.value, after: after)]), of: container) }
        case .counted(let amount): note(.counter(amount), of: container)
        case .member(let member, let before):
            let isMember = values[slot].lengths[member, default: 0] % 2 == 1
            if isMember != (before % 2 == 1) { note(.members([MemberEdit(member: member, isMember: isMember)]), of: container) }
        }
    }

    mutating func noteStep(_ step: ListState.Step, of container: UInt32) {
        guard isWatched else { return }
        let slot = containers.slot(of: container)
        func value(_ number: Int) -> DocumentValue { lists[slot].elements[Int(lists[slot].slots[number].element)].value.value ?? .null }
        switch step {
        case .placed(let placed, _, let shownAt, let hid, _):
            if let hid { note(.list([ListEdit(index: hid.index, deleted: [value(hid.slot)], inserted: [])]), of: container) }
            if let shownAt { note(.list([ListEdit(index: shownAt, deleted: [], inserted: [value(placed)])]), of: container) }
        case .removed(let removed, _, let shownAt, let hid, _):
            if let index = shownAt ?? hid?.index {
                note(.list([ListEdit(index: index, deleted: [value(removed)], inserted: [])]), of: container)
            }
        case .wrote(let number, let before):
            let element = lists[slot].elements[number]
            guard !element.isDeleted, before.value != element.value.value, let position = lists[slot].order.position(of: Int(element.slot))
            else {
                return
            }
            let index = lists[slot].order.shownIndex(before: position)
            note(
                .list([ListEdit(index: index, deleted: [before.value ?? .null], inserted: [element.value.value ?? .null])]), of: container)
        }
    }

    /// Notes a replacement in a text that is about to happen.
    mutating func noteText(at position: Int, deleting deleted: Int, inserting inserted: String, of container: UInt32) {
        guard isWatched else { return }
        let slot = containers.slot(of: container)
        let before = texts[slot].rope.measure(before: position)
        var bytes = RawArray<UInt8>()
        texts[slot].rope.copy(at: position, count: deleted, to: &bytes)
        let edit = TextEdit(
            position: TextPosition(utf8: before.bytes, scalars: before.scalars, utf16: before.utf16),
            deleted: String(decoding: bytes.elements, as: UTF8.self), inserted: inserted)
        note(.text([edit]), of: container)
    }
}

extension ContainerDelta.Effect {
    /// Adds what happened next to the same container, in place: a change may consist of many thousand edits.
    ///
    /// - Returns: false when the two are not of one kind; nothing was added then.
    fileprivate mutating func append(_ next: ContainerDelta.Effect) -> Bool {
        switch (self, next) {
        case (.text(var edits), .text(let more)):
            self = .counter(0)
            edits += more
            self = .text(edits)
        case (.list(var edits), .list(let more)):
            self = .counter(0)
            edits += more
            self = .list(edits)
        case (.keys(var edits), .keys(let more)):
            self = .counter(0)
            edits += more
            self = .keys(edits)
        case (.counter(let left), .counter(let right)): self = .counter(left &+ right)
        case (.members(var edits), .members(let more)):
            self = .counter(0)
            edits += more
            self = .members(edits)
        case (.marks(var edits), .marks(let more)):
            self = .counter(0)
            edits += more
            self = .marks(edits)
        default: return false
        }
        return true
    }
}
