/// Writes the members that make a declaration `Shaped`.
///
/// Every library name is qualified and every local name is chosen apart from the declaration's own, so that the text means the same in any
/// module.
struct ShapeEmitter {
    let shape: ShapeDeclaration

    /// The access level before each member, with a space.
    var level: String { shape.access.memberPrefix }

    /// The members, one text each, in order.
    func members() -> [String] {
        switch shape.structure {
        case .record(let record): members(of: record)
        case .raw(let type, let cases): members(ofRaw: type, cases)
        case .variant(let cases): members(of: cases)
        }
    }

    /// Signature of the writing function.
    var writeHead: String {
        "\(level)func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError)"
    }

    /// Signature of the reading function.
    var readHead: String {
        "\(level)static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self"
    }

    /// A declaration of one member as a text without a line feed at its end.
    static func text(_ body: (inout SourceWriter) -> Void) -> String {
        var writer = SourceWriter()
        body(&writer)
        return String(writer.text.dropLast())
    }

    /// The member that holds a `Fields` or `Cases`: made once, which a generic type does by a look-up.
    ///
    /// - Parameters:
    ///   - items: the arguments of each element's initialiser.
    ///   - tail: what follows the elements.
    func description(_ member: String, _ type: String, _ items: [[String]], tail: [String]) -> String {
        Self.text { writer in
            let head = "\(level)static"
            if shape.isInGenericContext {
                writer.block("\(head) var \(member): SkerryCodec.\(type)") { writer in
                    writer.block("SkerryCodec.\(type).cached(for: Self.self)") { writer in
                        writer.description("SkerryCodec.\(type)", name: instanceName(), items, tail: tail)
                    }
                }
            } else {
                writer.description("\(head) let \(member) = SkerryCodec.\(type)", name: instanceName(), items, tail: tail)
            }
        }
    }

    /// The name of the type, or of one instance of a generic type, as an expression; `suffix` follows the name.
    func instanceName(_ suffix: String = "") -> String {
        let name = swiftLiteral(shape.wireName + suffix)
        if shape.shapedParameters.isEmpty { return name }
        let arguments = shape.shapedParameters.map { "\\(\($0).shape.name)" }.joined(separator: ", ")
        return String(name.dropLast()) + "<" + arguments + ">\""
    }
}

extension SourceWriter {
    /// `head(name, [items], tail)` on one line when it is short, else an item a line.
    fileprivate mutating func description(_ head: String, name: String, _ items: [[String]], tail: [String]) {
        let rest = tail.map { ", " + $0 }.joined()
        let single = "\(head)(\(name), [\(items.map(Self.initialiser).joined(separator: ", "))]\(rest))"
        if fits(single), items.count < 3 || tail.isEmpty {
            line(single)
            return
        }
        line("\(head)(")
        indented { writer in
            writer.line("\(name),")
            writer.line("[")
            writer.indented { writer in
                for item in items { writer.call(".init", item, tail: ",") }
            }
            writer.line("]\(rest))")
        }
    }

    private static func initialiser(_ arguments: [String]) -> String {
        ".init(\(arguments.joined(separator: ", ")))"
    }
}

// MARK: - Fields as arguments of the library's initialisers

extension ShapeField {
    /// `"key", Int.self, name: "…", doc: "…"`.
    var description: [String] {
        var parts = [swiftLiteral(key), "\(carried.metatype).self"]
        if let defaultValue { parts.append("default: \(carriedDefault(defaultValue))") }
        if name.plain != key { parts.append("name: \(swiftLiteral(name.plain))") }
        if !documentation.text.isEmpty { parts.append("doc: \(swiftLiteral(documentation.text))") }
        if let hints = xml.description { parts.append("xml: \(hints)") }
        return parts
    }
}

extension ShapeField {
    /// The default as it travels.
    private func carriedDefault(_ value: String) -> String {
        guard let via else { return value }
        return type.isOptional ? "(\(value) as \(type.text)).map { SkerryCodec.Via<\(via)>($0) }" : ".init(\(value))"
    }
}

extension XMLMarks {
    /// The hints as an argument, nil when there are none.
    var description: String? {
        if self == XMLMarks() { return nil }
        if element == nil && namespace == nil {
            if isAttribute { return ".attribute" }
            if isText { return ".text" }
            if isFlattened { return ".flattened" }
        }
        var parts: [String] = []
        if isAttribute { parts.append("isAttribute: true") }
        if isText { parts.append("isText: true") }
        if isFlattened { parts.append("isFlattened: true") }
        if let element { parts.append("element: \(swiftLiteral(element))") }
        if let namespace { parts.append("namespace: \(swiftLiteral(namespace))") }
        return ".init(\(parts.joined(separator: ", ")))"
    }
}

extension TypeText {
    /// The type before `.self`: `some`, `any` and compositions need parentheses, everything else stands as it is.
    var metatype: String { text.contains(" & ") || text.hasPrefix("any ") ? "(\(text))" : text }

    /// The type of a variable that may not hold a value yet.
    var slot: String { text.contains(" & ") || text.hasPrefix("any ") ? "(\(text))?" : "\(text)?" }
}

extension String {
    /// The name without backticks.
    var plain: String {
        count > 2 && first == "`" && last == "`" ? String(dropFirst().dropLast()) : self
    }

    /// The name as the label of an argument, where all keywords but three stand as they are.
    var label: String { ["inout", "let", "var"].contains(plain) ? self : plain }
}
