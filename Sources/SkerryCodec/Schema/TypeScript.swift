/// Prints shapes as TypeScript declarations of what ``JSON`` writes for them.
///
/// Numbers of 64 bits are `number`, which is exact up to 2⁵³. Services and channel ends are printed by name; who uses them declares
/// `Sender<T>`, `Receiver<T>` and the services.
public struct TypeScript: Sendable {
    private let types: NamedTypes

    /// - Parameter shapes: the types that ``type(of:)`` will be asked for.
    public init(_ shapes: [Shape]) {
        types = NamedTypes(shapes, legal: \.identifier)
    }

    /// One exported declaration for each named type.
    public var declarations: String {
        types.list.map { declaration($0.title, $0.shape) }.joined(separator: "\n")
    }

    /// The type of values of `shape`, as it stands in a signature.
    public func type(of shape: Shape) -> String {
        if let title = types.title(of: shape) { return title }
        switch shape {
        case .bool: return "boolean"
        case .integer, .float, .double: return "number"
        case .string, .bytes: return "string"
        case .option(let wrapped) where wrapped.isNullable: return "[\(type(of: wrapped))] | null"
        case .option(let wrapped): return "\(type(of: wrapped)) | null"
        case .list(let element), .set(let element): return "\(grouped(type(of: element)))[]"
        case .map(let key, let value) where key.isTextual: return "{ [key: string]: \(type(of: value)) }"
        case .map(let key, let value): return "[\(type(of: key)), \(type(of: value))][]"
        case .reference(.service(let name)): return name.identifier
        case .reference(.sender(let element)): return "Sender<\(type(of: element))>"
        case .reference(.receiver(let element)): return "Receiver<\(type(of: element))>"
        case .value: return "unknown"
        case .record(let fields): return members(of: fields, indent: "")
        case .variant(let cases): return union(of: cases)
        case .alias(let alias): return type(of: alias.carrier)
        }
    }

    private func declaration(_ title: String, _ shape: Shape) -> String {
        switch shape {
        case .record(let fields): comment(fields.documentation) + "export interface \(title) \(members(of: fields, indent: ""))\n"
        case .variant(let cases): comment(cases.documentation) + "export type \(title) = \(union(of: cases));\n"
        case .alias(let alias):
            comment(alias.documentation) + "export type \(title) = "
                + (literals(alias.values) ?? type(of: alias.carrier)) + ";\n"
        default: "export type \(title) = \(type(of: shape));\n"
        }
    }

    private func members(of fields: Fields, indent: String) -> String {
        let lines = fields.list.map { field in
            comment(field.documentation, indent: indent + "  ")
                + "\(indent)  \(field.key.property)\(field.isOptional ? "?" : ""): \(type(of: field.shape));\n"
        }
        return "{\n" + lines.joined() + indent + "}"
    }

    private func union(of cases: Cases) -> String {
        cases.list.map { item in
            guard let payload = item.payload else { return item.key.quoted }
            return "{ \(item.key.property): \(type(of: payload)) }"
        }.joined(separator: " | ")
    }

    private func literals(_ values: [Value]) -> String? {
        let texts = values.compactMap { value -> String? in
            switch value {
            case .string(let text): text.quoted
            case .int(let number): String(number)
            default: nil
            }
        }
        return texts.isEmpty || texts.count != values.count ? nil : texts.joined(separator: " | ")
    }

    private func grouped(_ type: String) -> String {
        type.contains(" | ") ? "(\(type))" : type
    }

    private func comment(_ text: String, indent: String = "") -> String {
        guard !text.isEmpty else { return "" }
        let safe = text.split(separator: "*/", omittingEmptySubsequences: false).joined(separator: "* /")
        let lines = safe.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.count == 1 { return "\(indent)/** \(lines[0]) */\n" }
        return "\(indent)/**\n" + lines.map { "\(indent) * \($0)\n" }.joined() + "\(indent) */\n"
    }
}

extension Shape {
    /// TypeScript declarations of this shape and all named types it reaches.
    public func typeScript() -> String {
        TypeScript([self]).declarations
    }
}

extension String {
    /// The name with everything that an identifier does not take replaced: `Page<Item>` becomes `Page_Item`.
    fileprivate var identifier: String {
        let parts = split { !($0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" || $0 == "$") }
        let name = parts.joined(separator: "_")
        return name.first.map { $0.isNumber ? "_" + name : name } ?? "_"
    }

    /// The name as a property: in quotes unless it is an identifier.
    fileprivate var property: String { self == identifier ? self : quoted }

    fileprivate var quoted: String { "\"" + String(decoding: JSONText.escaped(Array(utf8)), as: UTF8.self) + "\"" }
}
