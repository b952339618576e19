internal import SkerryMerge

/// Writes the difference between what a container holds and a tree into it.
struct TreeWriter {
    /// The field by which the objects of a list are known again.
    let identity: String

    /// Writes a tree to the root: an object, each field a container there.
    func write(_ tree: DocumentTree, toRootOf change: Change) throws(DocumentError) {
        guard case .object(let object) = tree else {
            throw DocumentError(code: .mismatch, message: "\(tree.summary) stands where the fields of a document are wanted")
        }
        if object.enumerationCase != nil {
            throw DocumentError(code: .mismatch, message: "the case of an enumeration stands where the fields of a document are wanted")
        }
        for key in object.fields.keys.sorted() { try write(object.fields[key]!, toRoot: key, of: change) }
        let core = change.core
        var gone = object.absent
        if object.isWhole { gone.formUnion(core.pointee.rootKeys().subtracting(object.fields.keys)) }
        for key in gone.sorted() {
            if let container = core.pointee.rootContainer(key) { clear(change.editor(of: container)) }
        }
    }

    private func write(_ tree: DocumentTree, toRoot key: String, of change: Change) throws(DocumentError) {
        try check(key, at: [key])
        var kind = tree.kind
        if let container = change.core.pointee.rootContainer(key) {
            let old = change.core.pointee.containers.kind(of: container)
            if tree.fits(old) {
                kind = old
            } else if !change.core.pointee.isEmpty(container) {
                throw DocumentError(code: .mismatch, message: "\(tree.summary) is to go where the document has a \(old)", path: [key])
            }
        }
        try write(tree, to: change.container(key, kind), at: [key])
    }

    private func check(_ key: String, at path: [String]) throws(DocumentError) {
        if key.utf8.count > UpdateDecoder.keyMaximum {
            throw DocumentError(code: .limitExceeded, message: "a key has at most \(UpdateDecoder.keyMaximum) bytes", path: path)
        }
    }

    private func check(_ value: DocumentValue, at path: [String]) throws(DocumentError) {
        let length =
            switch value {
            case .string(let string): string.utf8.count
            case .bytes(let bytes): bytes.count
            default: 0
            }
        if length > DocumentValue.lengthMaximum {
            throw DocumentError(code: .limitExceeded, message: "a value has at most \(DocumentValue.lengthMaximum) bytes", path: path)
        }
    }

    // MARK: - By kind

    /// Writes a tree to a container that it fits.
    func write(_ tree: DocumentTree, to editor: ContainerEditor, at path: [String]) throws(DocumentError) {
        let slot = editor.open()
        let kind = editor.core.pointee.containers.kind(of: editor.container)
        guard tree.fits(kind) else {
            throw DocumentError(code: .mismatch, message: "\(tree.summary) is to go where the document has a \(kind)", path: path)
        }
        switch (kind, tree) {
        case (.text, .scalar(.string(let string), _)): TextEditor(editor: editor).update(to: string)
        case (.counter, .scalar(.int(let value), _)):
            let counter = CounterEditor(editor: editor)
            counter += value &- counter.value
        case (.register, .scalar(let value, _)):
            try check(value, at: path)
            if editor.core.pointee.values[slot].registers[""]?.value != value { RegisterEditor(editor: editor).value = value }
        case (.set, .array(let elements, _)):
            for element in elements { try check(element.scalar!, at: path) }
            SetEditor(editor: editor).update(to: Set(elements.compactMap(\.scalar)))
        case (.list, .array(let elements, _)): try write(elements, to: editor, at: path)
        case (.map, .object(let object)): try write(object, to: editor, at: path)
        default: preconditionFailure("a tree that fits its container has its shape")
        }
    }

    /// Leaves nothing in a container.
    private func clear(_ editor: ContainerEditor) {
        switch editor.core.pointee.containers.kind(of: editor.container) {
        case .text: TextEditor(editor: editor).update(to: "")
        case .counter: CounterEditor(editor: editor) -= CounterEditor(editor: editor).value
        case .register: if RegisterEditor(editor: editor).value != nil { RegisterEditor(editor: editor).value = nil }
        case .set: SetEditor(editor: editor).update(to: [])
        case .list:
            let list = ListEditor(editor: editor)
            for index in (0..<list.count).reversed() { list.remove(at: index) }
        case .map:
            let map = MapEditor(editor: editor)
            for key in map.keys { map[key] = nil }
        }
    }

    // MARK: - Maps

    private func write(_ object: DocumentTree.Object, to editor: ContainerEditor, at path: [String]) throws(DocumentError) {
        let map = MapEditor(editor: editor)
        if let name = object.enumerationCase {
            // The cases that do not hold stay, so that whichever of two concurrent ones wins is there.
            if map[DocumentTree.caseKey] != .string(name) { map[DocumentTree.caseKey] = .string(name) }
        }
        for key in object.fields.keys.sorted() {
            try check(key, at: path + [key])
            try write(object.fields[key]!, to: map, key: key, at: path + [key])
        }
        var gone = object.absent
        if object.isWhole { gone.formUnion(Set(map.keys).subtracting(object.fields.keys)) }
        for key in gone.sorted() where map[key] != nil { map[key] = nil }
    }

    private func write(_ tree: DocumentTree, to map: MapEditor, key: String, at path: [String]) throws(DocumentError) {
        let old = map[key]
        if case .container(let kind)? = old, tree.fits(kind) {
            return try write(tree, to: map.editor.child(key, kind), at: path)
        }
        if case .scalar(let value, nil) = tree {
            try check(value, at: path)
            if old != value { map[key] = value }
            return
        }
        try check(depthOf: path)
        let child = map.editor.child(key, tree.kind)
        // What was there before it was removed is not part of the new one.
        clear(child)
        try write(tree, to: child, at: path)
    }

    private func check(depthOf path: [String]) throws(DocumentError) {
        if path.count >= ContainerTable.depthMaximum {
            throw DocumentError(code: .limitExceeded, message: "containers nest at most \(ContainerTable.depthMaximum) deep", path: path)
        }
    }

    // MARK: - Lists

    private func write(_ elements: [DocumentTree], to editor: ContainerEditor, at path: [String]) throws(DocumentError) {
        guard case .array(let old, _) = editor.core.pointee.tree(of: editor.container) else { return }
        if let new = identities(of: elements), let known = identities(of: old), !elements.isEmpty, !old.isEmpty {
            return try write(elements, named: new, over: known, to: editor, at: path)
        }
        let diff = Diff(from: old, to: elements)
        // From the end, so that indices stay right.
        for hunk in diff.hunks.reversed() { try write(elements, hunk, over: old, to: editor, at: path) }
    }

    /// A stretch that differs: element by element as far as both go, then what is left over goes or comes.
    private func write(
        _ elements: [DocumentTree], _ hunk: Hunk, over old: [DocumentTree], to editor: ContainerEditor, at path: [String]
    ) throws(DocumentError) {
        let list = ListEditor(editor: editor)
        let common = min(hunk.source.count, hunk.target.count)
        for index in (hunk.source.lowerBound + common..<hunk.source.upperBound).reversed() { list.remove(at: index) }
        for offset in common..<hunk.target.count {
            let target = hunk.target.lowerBound + offset
            try insert(elements[target], into: list, at: hunk.source.lowerBound + offset, path + [String(target)])
        }
        for offset in 0..<common {
            try update(
                list, at: hunk.source.lowerBound + offset, to: elements[hunk.target.lowerBound + offset],
                path + [String(hunk.target.lowerBound + offset)])
        }
    }

    private func update(_ list: ListEditor, at index: Int, to tree: DocumentTree, _ path: [String]) throws(DocumentError) {
        if case .container(let kind) = list[index], tree.fits(kind) {
            return try write(tree, to: list.child(at: index, kind), at: path)
        }
        if case .scalar(let value, nil) = tree, !list[index].isContainer {
            try check(value, at: path)
            if list[index] != value { list[index] = value }
            return
        }
        list.remove(at: index)
        try insert(tree, into: list, at: index, path)
    }

    private func insert(_ tree: DocumentTree, into list: ListEditor, at index: Int, _ path: [String]) throws(DocumentError) {
        if case .scalar(let value, nil) = tree {
            try check(value, at: path)
            return list.insert(value, at: index)
        }
        try check(depthOf: path)
        list.insert(.container(tree.kind), at: index)
        try write(tree, to: list.child(at: index, tree.kind), at: path)
    }

    // MARK: - Lists of things with a name

    /// The names of objects that each have one of their own, else nil.
    private func identities(of elements: [DocumentTree]) -> [DocumentValue]? {
        var seen: Set<DocumentValue> = []
        var result: [DocumentValue] = []
        for element in elements {
            guard case .object(let object) = element, let name = object.fields[identity]?.scalar, seen.insert(name).inserted else {
                return nil
            }
            result.append(name)
        }
        return result
    }

    private func write(
        _ elements: [DocumentTree], named new: [DocumentValue], over old: [DocumentValue], to editor: ContainerEditor, at path: [String]
    ) throws(DocumentError) {
        let list = ListEditor(editor: editor)
        let wanted = Dictionary(uniqueKeysWithValues: new.enumerated().map { ($0.element, $0.offset) })
        for index in old.indices.reversed() where wanted[old[index]] == nil { list.remove(at: index) }
        var standing = old.filter { wanted[$0] != nil }
        let known = Set(standing)
        // The longest part that is in order stays where it is; each other thing goes behind the one it is to follow.
        let kept = Set(longestAscending(standing.map { wanted[$0]! }).map { new[$0] })
        for (index, name) in new.enumerated() where !kept.contains(name) {
            var target = index == 0 ? 0 : standing.firstIndex(of: new[index - 1])! + 1
            if known.contains(name) {
                let source = standing.firstIndex(of: name)!
                if source < target { target -= 1 }
                standing.remove(at: source)
                list.move(from: source, to: target)
            } else {
                try insert(elements[index], into: list, at: target, path + [String(index)])
            }
            standing.insert(name, at: target)
        }
        for (index, name) in new.enumerated() where known.contains(name) {
            try update(list, at: index, to: elements[index], path + [String(index)])
        }
    }

    /// A longest ascending part of numbers that differ. O(n log n).
    private func longestAscending(_ numbers: [Int]) -> [Int] {
        var tails: [Int] = []
        var previous = [Int](repeating: -1, count: numbers.count)
        for (index, number) in numbers.enumerated() {
            var low = 0, high = tails.count
            while low < high {
                let middle = (low + high) / 2
                if numbers[tails[middle]] < number { low = middle + 1 } else { high = middle }
            }
            if low > 0 { previous[index] = tails[low - 1] }
            if low == tails.count { tails.append(index) } else { tails[low] = index }
        }
        var result: [Int] = []
        var index = tails.last ?? -1
        while index >= 0 {
            result.append(numbers[index])
            index = previous[index]
        }
        return result.reversed()
    }
}

extension DocumentTree {
    /// The kind of container that a tree becomes where there is none.
    var kind: ContainerKind {
        switch self {
        case .scalar(_, let kind): kind ?? .register
        case .array(_, let isSet): isSet ? .set : .list
        case .object: .map
        }
    }

    /// Whether a container of a kind can hold it.
    func fits(_ kind: ContainerKind) -> Bool {
        switch (self, kind) {
        case (.scalar(.string, _), .text), (.scalar(.int, _), .counter), (.array, .list), (.object, .map): true
        case (.scalar(_, let asked), .register): asked == nil
        case (.array(let elements, _), .set): elements.allSatisfy(\.isScalar)
        default: false
        }
    }
}

extension DocumentValue {
    var isContainer: Bool { if case .container = self { true } else { false } }
}

extension TextEditor {
    /// Makes the text say something else by the edits that lead there, so that what others write at the same time stays.
    ///
    /// - Complexity: about O(n) in what lies between the first and the last difference.
    public func update(to string: String) {
        let old = Array(self.string.unicodeScalars), new = Array(string.unicodeScalars)
        if old == new { return }
        var start = 0
        while start < min(old.count, new.count), old[start] == new[start] { start += 1 }
        var (oldEnd, newEnd) = (old.count, new.count)
        while oldEnd > start, newEnd > start, old[oldEnd - 1] == new[newEnd - 1] { (oldEnd, newEnd) = (oldEnd - 1, newEnd - 1) }
        let diff = Diff(from: old[start..<oldEnd], to: new[start..<newEnd], options: DiffOptions(algorithm: .myers))
        for hunk in diff.hunks.reversed() {
            let inserted = String(String.UnicodeScalarView(new[start + hunk.target.lowerBound..<start + hunk.target.upperBound]))
            replace(start + hunk.source.lowerBound..<start + hunk.source.upperBound, in: .scalars, with: inserted)
        }
    }
}

extension SetEditor {
    /// Adds what is missing and removes what is too much, and touches nothing else.
    public func update(to members: Set<DocumentValue>) {
        let old = self.members
        let missing = members.subtracting(old).map { (bytes: $0.encodedBytes, value: $0) }
        let gone = old.subtracting(members).map { (bytes: $0.encodedBytes, value: $0) }
        for member in gone.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) { remove(member.value) }
        for member in missing.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) { insert(member.value) }
    }
}
