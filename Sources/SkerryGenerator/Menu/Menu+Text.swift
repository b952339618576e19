// MARK: - Writing

extension Menu {
    /// The text to commit.
    package var text: String {
        var writer = MenuWriter()
        writer.line(0, Self.head)
        for service in services { writer.write(service) }
        for type in shapes { writer.write(type) }
        return writer.text
    }

    static let head = "menu 1"
}

private struct MenuWriter {
    var text = ""

    mutating func line(_ depth: Int, _ head: String, marks: [String] = []) {
        text += String(repeating: "  ", count: depth) + ([head] + marks).joined(separator: "; ") + "\n"
    }

    mutating func write(_ service: Menu.Service) {
        text += "\n"
        line(0, "service \(Self.name(service.name))")
        line(1, "version \(service.version)")
        for error in service.errors { line(1, "error \(Self.name(error))") }
        for method in service.methods {
            var marks = method.promises
            if let until = method.until { marks.append("until \(until)") }
            if let route = method.route { marks.append("route \(route)") }
            line(1, "method \(Self.name(method.name)): \(method.result)", marks: marks)
            for argument in method.arguments { write(argument, "argument", 2) }
        }
    }

    mutating func write(_ type: Menu.Shape) {
        text += "\n"
        switch type.structure {
        case .record(let members, let namespace):
            line(0, "record \(Self.name(type.name))", marks: namespace.map { ["namespace \(swiftLiteral($0))"] } ?? [])
            for member in members { write(member, "field", 1) }
        case .variant(let cases):
            line(0, "variant \(Self.name(type.name))")
            for variantCase in cases {
                line(1, "case \(Self.name(variantCase.key))" + (variantCase.single.map { ": \($0)" } ?? ""))
                for value in variantCase.values { write(value, "value", 2) }
            }
        case .raw(let carrier, let values):
            line(0, "raw \(Self.name(type.name)): \(carrier)")
            for value in values { line(1, "value \(Self.name(value))") }
        }
    }

    private mutating func write(_ member: Menu.Member, _ kind: String, _ depth: Int) {
        let marks = (member.isOptional ? ["optional"] : []) + member.marks
        line(depth, "\(kind) \(Self.name(member.key)): \(member.type)", marks: marks)
    }

    /// Names of letters, digits and a few signs stand plain, all others in quotation marks.
    private static func name(_ name: String) -> String {
        let isPlain = !name.isEmpty && name.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || "_.-<>[]?".contains($0) }
        return isPlain ? name : swiftLiteral(name)
    }
}

// MARK: - Reading

extension Menu {
    /// - Throws: at the first line that does not follow the grammar.
    package init(text: String) throws(MenuError) {
        var reader = MenuReader(text)
        guard let first = try reader.next(), first.text == Self.head else {
            throw MenuError("a menu begins with '\(Self.head)'", line: 1)
        }
        while let line = try reader.next() {
            guard line.depth == 0 else { throw line.error("this line belongs to nothing") }
            switch line.kind {
            case "service": services.append(try reader.service(line))
            case "record": shapes.append(try reader.record(line))
            case "variant": shapes.append(try reader.variant(line))
            case "raw": shapes.append(try reader.raw(line))
            default: throw line.error("'\(line.kind)' is neither a service nor a type")
            }
        }
    }
}

/// One line of a menu: its depth, its first word, the name after it, the type after a colon, and the marks after semicolons.
private struct MenuLine {
    let number: Int
    let depth: Int
    let text: String
    let kind: String
    let name: String
    let type: String?
    let marks: [String]

    init(number: Int, _ line: Substring) throws(MenuError) {
        self.number = number
        let indent = line.prefix { $0 == " " }.count
        depth = indent / 2
        var rest = line.dropFirst(indent)
        text = String(rest)
        if indent % 2 != 0 { throw MenuError("the indent is two spaces a level", line: number) }
        kind = String(rest.prefix { $0 != " " })
        rest = rest.dropFirst(kind.count).drop { $0 == " " }
        var parts = Self.split(rest)
        let head = parts.removeFirst()
        marks = parts
        guard let (name, tail) = Self.name(head[...]) else { throw MenuError("the name does not end", line: number) }
        self.name = name
        type = tail.first == ":" ? String(tail.dropFirst().drop { $0 == " " }) : nil
    }

    func error(_ message: String) -> MenuError { MenuError(message, line: number) }

    /// Cuts at `; ` outside quotation marks.
    private static func split(_ text: Substring) -> [String] {
        var parts = [""]
        var isQuoted = false
        var previous: Character?
        for character in text {
            if character == "\"", previous != "\\" { isQuoted.toggle() }
            if character == ";", !isQuoted {
                parts.append("")
            } else if !(parts.last!.isEmpty && character == " ") {
                parts[parts.count - 1].append(character)
            }
            previous = previous == "\\" && character == "\\" ? nil : character
        }
        return parts
    }

    /// The name at the start, without its quotation marks, and what follows.
    static func name(_ text: Substring) -> (String, Substring)? {
        guard text.first == "\"" else {
            let end = text.firstIndex { $0 == ":" || $0 == " " } ?? text.endIndex
            return (String(text[..<end]), text[end...])
        }
        var name = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == "\"" { return (name, rest) }
            guard character == "\\" else {
                name.append(character)
                continue
            }
            guard let escaped = escape(&rest) else { return nil }
            name.append(escaped)
        }
        return nil
    }

    private static func escape(_ rest: inout Substring) -> Character? {
        switch rest.popFirst() {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "\"": return "\""
        case "\\": return "\\"
        case "u":
            guard rest.popFirst() == "{", let end = rest.firstIndex(of: "}"), let code = UInt32(rest[..<end], radix: 16),
                let scalar = Unicode.Scalar(code)
            else { return nil }
            rest = rest[end...].dropFirst()
            return Character(scalar)
        default: return nil
        }
    }
}

private struct MenuReader {
    /// Lines that are not empty, the next one last.
    private var lines: [(number: Int, text: Substring)]

    init(_ text: String) {
        let all = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        lines = all.map { (number: $0.offset + 1, text: $0.element) }.filter { !$0.text.allSatisfy(\.isWhitespace) }.reversed()
    }

    mutating func next() throws(MenuError) -> MenuLine? {
        guard let line = lines.popLast() else { return nil }
        return try MenuLine(number: line.number, line.text)
    }

    /// The next line when it stands at `depth`, which is deeper than the line it belongs to.
    private mutating func next(at depth: Int) throws(MenuError) -> MenuLine? {
        guard let line = lines.last, line.text.prefix(while: { $0 == " " }).count >= depth * 2 else { return nil }
        guard let line = try next() else { return nil }
        if line.depth != depth { throw line.error("this line is indented too far") }
        return line
    }

    mutating func service(_ head: MenuLine) throws(MenuError) -> Menu.Service {
        var service = Menu.Service(name: head.name, version: 1, errors: [], methods: [])
        while let line = try next(at: 1) {
            switch line.kind {
            case "version":
                guard let version = Int(line.name) else { throw line.error("'\(line.name)' is no version") }
                service.version = version
            case "error": service.errors.append(line.name)
            case "method": service.methods.append(try method(line))
            default: throw line.error("a service has no '\(line.kind)'")
            }
        }
        return service
    }

    private mutating func method(_ head: MenuLine) throws(MenuError) -> Menu.Method {
        guard let result = head.type else { throw head.error("a method needs the type of its result") }
        var method = Menu.Method(name: head.name, arguments: [], result: result, promises: [], until: nil, route: nil)
        for mark in head.marks {
            if mark.hasPrefix("until ") {
                method.until = Int(mark.dropFirst("until ".count))
            } else if mark.hasPrefix("route ") {
                method.route = String(mark.dropFirst("route ".count))
            } else {
                method.promises.append(mark)
            }
        }
        method.arguments = try members("argument", at: 2)
        return method
    }

    private mutating func members(_ kind: String, at depth: Int) throws(MenuError) -> [Menu.Member] {
        var members: [Menu.Member] = []
        while let line = try next(at: depth) {
            guard line.kind == kind else { throw line.error("'\(kind)' is expected here, not '\(line.kind)'") }
            guard let type = line.type else { throw line.error("'\(line.name)' needs a type") }
            members.append(
                Menu.Member(
                    key: line.name, type: type, isOptional: line.marks.contains("optional"), marks: line.marks.filter { $0 != "optional" }))
        }
        return members
    }

    mutating func record(_ head: MenuLine) throws(MenuError) -> Menu.Shape {
        let members = try members("field", at: 1)
        let namespace = head.marks.first { $0.hasPrefix("namespace ") }.flatMap { MenuLine.name($0.dropFirst("namespace ".count)) }
        return Menu.Shape(name: head.name, structure: .record(members, namespace: namespace?.0))
    }

    mutating func variant(_ head: MenuLine) throws(MenuError) -> Menu.Shape {
        var cases: [Menu.Case] = []
        while let line = try next(at: 1) {
            guard line.kind == "case" else { throw line.error("a variant has cases, not '\(line.kind)'") }
            cases.append(Menu.Case(key: line.name, single: line.type, values: try members("value", at: 2)))
        }
        return Menu.Shape(name: head.name, structure: .variant(cases))
    }

    mutating func raw(_ head: MenuLine) throws(MenuError) -> Menu.Shape {
        guard let carrier = head.type else { throw head.error("a raw type needs the type that travels") }
        var values: [String] = []
        while let line = try next(at: 1) {
            guard line.kind == "value" else { throw line.error("a raw type has values, not '\(line.kind)'") }
            values.append(line.name)
        }
        return Menu.Shape(name: head.name, structure: .raw(type: carrier, values: values))
    }
}
