extension DocumentCore {
    /// The names from the root to a container.
    func path(of container: UInt32) -> ContainerPath {
        let name = containers.names[Int(container)]
        if name.parent == ContainerTable.root { return ContainerPath(key: name.key, kind: name.kind) }
        return path(of: name.parent).appending(key: name.key, kind: name.kind)
    }

    /// Notes what happened to a container, joined with what just happened to it.
    mutating func note(_ effect: ContainerDelta.Effect, of container: UInt32) {
        let path = path(of: container)
        if let last = deltas.last, last.container == path {
            switch (last.effect, effect) {
            case (.text(let left), .text(let right)): deltas[deltas.count - 1].effect = .text(left + right)
            case (.list(let left), .list(let right)): deltas[deltas.count - 1].effect = .list(left + right)
            case (.keys(let left), .keys(let right)): deltas[deltas.count - 1].effect = .keys(left + right)
            case (.counter(let left), .counter(let right)): deltas[deltas.count - 1].effect = .counter(left &+ right)
            case (.members(let left), .members(let right)): deltas[deltas.count - 1].effect = .members(left + right)
            case (.marks(let left), .marks(let right)): deltas[deltas.count - 1].effect = .marks(left + right)
            default: deltas.append(ContainerDelta(container: path, effect: effect))
            }
            return
        }
        deltas.append(ContainerDelta(container: path, effect: effect))
    }

    /// Puts what was noted into the outbox, as one change.
    mutating func publish(_ source: DocumentChange.Source) {
        if isWatched { noteMarks() }
        if deltas.isEmpty { return }
        published += 1
        outbox.append((published, DocumentChange(source: source, deltas: deltas)))
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
            guard !element.isDeleted, before.value != element.value.value, let position = lists[slot].position(of: Int(element.slot)) else {
                return
            }
            let index = lists[slot].shownIndex(before: position)
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
