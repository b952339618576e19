/// What a container holds, or a value encodes to: between the document and `Codable`.
indirect enum DocumentTree: Sendable {
    /// `kind` is what the value asks to be kept as: a text or a counter, else nil.
    case scalar(DocumentValue, kind: ContainerKind?)
    case array([DocumentTree], isSet: Bool)
    case object(Object)

    struct Object: Sendable {
        var fields: [String: DocumentTree] = [:]
        /// Keys the value knows and has nothing for.
        var absent: Set<String> = []
        /// Whether keys that are not mentioned are to go.
        var isWhole = false
        /// Which key of an enumeration's cases holds.
        var enumerationCase: String?
        /// Whether the fields are the containers at the root, of which those that nobody has written to are not there.
        var isRoot = false
    }

    /// The key of a map under which it says which of its keys is the case of an enumeration.
    static let caseKey = "\u{0}case"

    var isScalar: Bool { if case .scalar = self { true } else { false } }

    var scalar: DocumentValue? { if case .scalar(let value, _) = self { value } else { nil } }
}

// By content alone: what a value asks for is not part of it.
extension DocumentTree: Hashable {
    static func == (left: DocumentTree, right: DocumentTree) -> Bool {
        switch (left, right) {
        case (.scalar(let left, _), .scalar(let right, _)): left == right
        case (.array(let left, _), .array(let right, _)): left == right
        case (.object(let left), .object(let right)):
            left.fields == right.fields && left.enumerationCase == right.enumerationCase
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .scalar(let value, _): hasher.combine(value)
        case .array(let elements, _): hasher.combine(elements)
        case .object(let object): hasher.combine(object.fields)
        }
    }
}

extension DocumentValue {
    /// The encoding: an order that is the same everywhere.
    var encodedBytes: [UInt8] {
        var writer = ByteWriter()
        encode(to: &writer)
        return writer.finish()
    }
}

extension DocumentCore {
    /// The name of a list's element as the key of what it holds.
    static func elementKey(_ dot: Dot) -> String { "\(dot.origin).\(dot.sequence)" }

    /// Everything the document holds, by the names at its root.
    mutating func rootTree() -> DocumentTree {
        var object = DocumentTree.Object(isRoot: true)
        for key in rootKeys() {
            // One that has become empty cannot be told from one that was never written to.
            if let container = rootContainer(key), !isEmpty(container) { object.fields[key] = tree(of: container) }
        }
        return .object(object)
    }

    func rootKeys() -> Set<String> { Set(containers.names.filter { $0.parent == ContainerTable.root }.map(\.key)) }

    /// The container at the root with a key; of several the first that holds something.
    mutating func rootContainer(_ key: String) -> UInt32? {
        var first: UInt32?
        for kind in [ContainerKind.map, .list, .text, .set, .counter, .register] {
            guard let number = containers.number(of: ContainerTable.Name(parent: ContainerTable.root, key: key, kind: kind)) else {
                continue
            }
            if !isEmpty(number) { return number }
            first = first ?? number
        }
        return first
    }

    func isEmpty(_ container: UInt32) -> Bool {
        let slot = containers.slot(of: container)
        switch containers.kind(of: container) {
        case .text: return texts[slot].sequence.count == 0
        case .list: return lists[slot].count == 0
        case .map: return values[slot].keys.isEmpty
        case .set: return values[slot].members.isEmpty
        case .counter: return values[slot].sum == 0
        case .register: return values[slot].registers[""]?.value == nil
        }
    }

    /// What a container holds.
    mutating func tree(of container: UInt32) -> DocumentTree {
        let slot = containers.slot(of: container)
        switch containers.kind(of: container) {
        case .text: return .scalar(.string(texts[slot].rope.string), kind: .text)
        case .counter: return .scalar(.int(values[slot].sum), kind: .counter)
        case .register: return .scalar(values[slot].registers[""]?.value ?? .null, kind: nil)
        case .set:
            let members = values[slot].members.map { (bytes: $0.encodedBytes, value: $0) }
            let sorted = members.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
            return .array(sorted.map { .scalar($0.value, kind: nil) }, isSet: true)
        case .list:
            let elements = lists[slot].shown
            return .array(
                elements.map { tree(of: $0.value.value ?? .null, in: container, key: Self.elementKey($0.dot)) }, isSet: false)
        case .map:
            var object = DocumentTree.Object()
            for key in values[slot].keys {
                guard let value = values[slot].registers[key]?.value else { continue }
                if key == DocumentTree.caseKey, case .string(let name) = value {
                    object.enumerationCase = name
                } else {
                    object.fields[key] = tree(of: value, in: container, key: key)
                }
            }
            return .object(object)
        }
    }

    private mutating func tree(of value: DocumentValue, in container: UInt32, key: String) -> DocumentTree {
        guard case .container(let kind) = value else { return .scalar(value, kind: nil) }
        if let child = containers.number(of: ContainerTable.Name(parent: container, key: key, kind: kind)) { return tree(of: child) }
        return DocumentTree.empty(kind)
    }
}

extension DocumentTree {
    /// A container that nobody has written to.
    static func empty(_ kind: ContainerKind) -> DocumentTree {
        switch kind {
        case .text: .scalar("", kind: .text)
        case .counter: .scalar(0, kind: .counter)
        case .register: .scalar(.null, kind: nil)
        case .list, .set: .array([], isSet: kind == .set)
        case .map: .object(Object())
        }
    }
}
