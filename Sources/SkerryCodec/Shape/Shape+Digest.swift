extension Shape {
    /// The digest of names and structure.
    ///
    /// - Complexity: O(n²) in the number of different named types it reaches. Keep the result of a shape that is compared often.
    public var digest: ShapeDigest {
        ShapeDigest(rawValue: ShapeGraph(self).digest)
    }
}

/// The named types that a shape reaches, and their hashes by colour refinement.
///
/// A recursive type cannot be hashed from the leaves up, because it has none, and numbering types in the order of a walk would tell apart
/// two types that are equal in everything but where they were declared. So every named type starts with a colour, the hash of its name,
/// and in each round takes the hash of its name and its members' types as coloured in the round before (Weisfeiler and Leman, 1968).
/// After k rounds a colour stands for the type unfolded to depth k. With c different colours at rest, two graphs of c types that differ
/// at all differ within 2c levels, so 2c rounds are made.
private struct ShapeGraph {
    private typealias ID = UInt

    private let root: Shape
    private var types: [ID: Node] = [:]
    /// Most named types. A recursive type that makes its description anew on each use never meets itself again.
    private static let typesMaximum = 4_096

    private struct Node {
        let head: String
        let members: [(key: String, shape: Shape?)]
    }

    init(_ root: Shape) {
        self.root = root
        collect(root)
    }

    var digest: UInt64 {
        let start = types.mapValues { Self.sip($0.head, []) }
        var colors = start
        var classes = Set(colors.values).count
        while true {
            colors = refined(colors)
            let count = Set(colors.values).count
            if count == classes { break }
            classes = count
        }
        colors = start
        for _ in 0..<2 * classes { colors = refined(colors) }
        return Self.sip("shape", [UInt64(classes), hash(root, colors)])
    }

    private mutating func collect(_ root: Shape) {
        var pending = [root]
        while let shape = pending.popLast() {
            switch shape {
            case .bool, .integer, .float, .double, .string, .bytes, .value, .reference(.service): break
            case .option(let part), .list(let part), .set(let part), .reference(.sender(let part)), .reference(.receiver(let part)):
                pending.append(part)
            case .map(let key, let value): pending += [key, value]
            case .alias(let alias): pending.append(alias.carrier)
            case .record(let fields):
                guard types[fields.identity] == nil else { continue }
                add(fields.identity, Node(head: "record \(fields.name)", members: fields.list.map { ($0.key, $0.shape) }), &pending)
            case .variant(let cases):
                guard types[cases.identity] == nil else { continue }
                add(cases.identity, Node(head: "variant \(cases.name)", members: cases.list.map { ($0.key, $0.payload) }), &pending)
            }
        }
    }

    private mutating func add(_ id: ID, _ node: Node, _ pending: inout [Shape]) {
        precondition(types.count < Self.typesMaximum, "\(node.head) makes its description anew on each use; keep it in a static let")
        types[id] = node
        pending += node.members.compactMap(\.shape)
    }

    private func refined(_ colors: [ID: UInt64]) -> [ID: UInt64] {
        types.mapValues { node in
            Self.sip(node.head, node.members.map { Self.sip("member \($0.key)", $0.shape.map { [hash($0, colors)] } ?? []) })
        }
    }

    private func hash(_ shape: Shape, _ colors: [ID: UInt64]) -> UInt64 {
        switch shape {
        case .bool, .integer, .float, .double, .string, .bytes, .value: Self.sip(shape.name, [])
        case .option(let wrapped): Self.sip("option", [hash(wrapped, colors)])
        case .list(let element): Self.sip("list", [hash(element, colors)])
        case .set(let element): Self.sip("set", [hash(element, colors)])
        case .map(let key, let value): Self.sip("map", [hash(key, colors), hash(value, colors)])
        case .alias(let alias): Self.sip("alias \(alias.name)", [hash(alias.carrier, colors)])
        case .reference(.service(let name)): Self.sip("service \(name)", [])
        case .reference(.sender(let element)): Self.sip("sender", [hash(element, colors)])
        case .reference(.receiver(let element)): Self.sip("receiver", [hash(element, colors)])
        case .record(let fields): colors[fields.identity] ?? 0
        case .variant(let cases): colors[cases.identity] ?? 0
        }
    }

    /// SipHash-2-4 under the key `SkerryShapeHash1` of: the head in UTF-8, a zero byte, the parts as eight bytes each, least significant first.
    private static func sip(_ head: String, _ parts: [UInt64]) -> UInt64 {
        var hash = SipHash(key: 0x6853_7972_7265_6b53, 0x3168_7361_4865_7061)
        hash.update(head.utf8)
        hash.update(0)
        for part in parts {
            for shift in stride(from: 0, to: 64, by: 8) { hash.update(UInt8(truncatingIfNeeded: part >> UInt64(shift))) }
        }
        return hash.finalize()
    }
}
