/// The types with names that some shapes reach, each once, in the order in which a reader meets them.
///
/// Two different types with one name get different titles here: the second `Part` is `Part2`.
struct NamedTypes {
    /// The types, as records, variants and aliases.
    private(set) var list: [(title: String, shape: Shape)] = []
    private var titles: [Identity: String] = [:]
    private var taken: Set<String> = []

    private enum Identity: Hashable {
        case description(UInt)
        case alias(String)
    }

    /// - Parameter legal: makes a title of a name, such as `Page_Item` of `Page<Item>`.
    init(_ roots: [Shape], legal: (String) -> String = { $0 }) {
        for root in roots { visit(root, legal) }
    }

    /// The title of a shape with a name of its own, nil for the others.
    func title(of shape: Shape) -> String? {
        Self.identity(of: shape).flatMap { titles[$0] }
    }

    private static func identity(of shape: Shape) -> Identity? {
        switch shape {
        case .record(let fields): .description(fields.identity)
        case .variant(let cases): .description(cases.identity)
        case .alias(let alias): .alias(alias.name)
        default: nil
        }
    }

    private mutating func visit(_ shape: Shape, _ legal: (String) -> String) {
        if let identity = Self.identity(of: shape) {
            guard titles[identity] == nil else { return }
            let title = untaken(legal(shape.name))
            titles[identity] = title
            list.append((title, shape))
        }
        for part in shape.parts { visit(part, legal) }
    }

    private mutating func untaken(_ name: String) -> String {
        var title = name
        var number = 2
        while !taken.insert(title).inserted {
            title = name + String(number)
            number += 1
        }
        return title
    }
}

extension Shape {
    /// The shapes this one is made of, one level down.
    var parts: [Shape] {
        switch self {
        case .bool, .integer, .float, .double, .string, .bytes, .value, .reference(.service): []
        case .option(let part), .list(let part), .set(let part), .reference(.sender(let part)), .reference(.receiver(let part)): [part]
        case .map(let key, let value): [key, value]
        case .alias(let alias): [alias.carrier]
        case .record(let fields): fields.list.map(\.shape)
        case .variant(let cases): cases.list.compactMap(\.payload)
        }
    }

    /// Whether values are written as strings alone, so that they can be keys of a JSON object.
    var isTextual: Bool {
        switch self {
        case .string: true
        case .alias(let alias): alias.carrier.isTextual
        default: false
        }
    }

    /// Whether values may themselves be written as null.
    var isNullable: Bool {
        switch self {
        case .option, .value: true
        case .alias(let alias): alias.carrier.isNullable
        default: false
        }
    }
}
