extension DocumentCore {
    /// Gives the newest element of a list what the container held that an element was which it stands for.
    mutating func reviveChild(_ kind: ContainerKind, of list: UInt32, _ element: Dot) {
        let slot = containers.slot(of: list)
        let new = lists[slot].elements[lists[slot].elements.count - 1].dot
        copyChild(kind, Self.elementKey(element), of: list, to: list, Self.elementKey(new))
    }

    private mutating func copyChild(_ kind: ContainerKind, _ key: String, of source: UInt32, to target: UInt32, _ newKey: String) {
        guard let old = containers.number(of: ContainerTable.Name(parent: source, key: key, kind: kind)) else { return }
        copy(old, to: container(ContainerTable.Name(parent: target, key: newKey, kind: kind)))
    }

    /// Writes what one container holds into another of its kind, which is empty.
    private mutating func copy(_ source: UInt32, to target: UInt32) {
        let slot = containers.slot(of: source)
        switch containers.kind(of: source) {
        case .text: copyText(slot, to: target)
        case .list: copyList(source, to: target)
        case .counter: if values[slot].sum != 0 { write(.add(values[slot].sum), to: target) }
        case .set:
            for member in values[slot].members.map({ (bytes: $0.encodedBytes, value: $0) })
                .sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) })
            {
                write(.member(member.value, length: 1), to: target)
            }
        case .map, .register:
            for key in values[slot].keys {
                guard let value = values[slot].registers[key]?.value else { continue }
                write(.write(key: key, stamp: nextStamp(), value: value), to: target)
                if case .container(let kind) = value { copyChild(kind, key, of: source, to: target, key) }
            }
        }
    }

    private mutating func copyText(_ slot: Int, to target: UInt32) {
        var bytes = RawArray<UInt8>()
        let length = texts[slot].sequence.count
        texts[slot].rope.copy(at: 0, count: length, to: &bytes)
        edit(text: target, at: 0, deleting: 0, inserting: bytes.elements)
        var position = 0
        for stretch in stretches(of: slot, in: 0..<length) {
            for (key, value) in stretch.marks.sorted(by: { $0.key < $1.key }) {
                mark(text: target, position..<position + stretch.count, key, value, expansion: expansion(of: key))
            }
            position += stretch.count
        }
    }

    private mutating func copyList(_ source: UInt32, to target: UInt32) {
        for (index, element) in lists[containers.slot(of: source)].shown.enumerated() {
            let value = element.value.value ?? .null
            insert(.value(value), into: target, at: index)
            let slot = containers.slot(of: target)
            let new = lists[slot].elements[lists[slot].elements.count - 1].dot
            if case .container(let kind) = value {
                copyChild(kind, Self.elementKey(element.dot), of: source, to: target, Self.elementKey(new))
            }
        }
    }
}
