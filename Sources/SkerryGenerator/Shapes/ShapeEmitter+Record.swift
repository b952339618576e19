extension ShapeEmitter {
    func members(of record: ShapeDeclaration.Record) -> [String] {
        var tail: [String] = []
        if !shape.documentation.text.isEmpty { tail.append("doc: \(swiftLiteral(shape.documentation.text))") }
        if let namespace = shape.namespace { tail.append("xml: .init(namespace: \(swiftLiteral(namespace)))") }
        var members = [
            description("fields", "Fields", record.fields.map(\.description), tail: tail),
            "\(level)static var shape: SkerryCodec.Shape { .record(fields) }",
            write(record),
            read(record),
        ]
        if record.construction == .emitted { members.append(initialiser(record)) }
        return members
    }

    private func write(_ record: ShapeDeclaration.Record) -> String {
        Self.text { writer in
            writer.block(writeHead) { writer in
                writer.writeFields(record.fields, of: "Self.fields", values: record.fields.map { $0.ownValue })
            }
        }
    }

    private func read(_ record: ShapeDeclaration.Record) -> String {
        Self.text { writer in
            writer.block(readHead) { writer in
                let fields = record.fields
                let locals = ShapeField.locals(fields)
                writer.readFields(fields, of: "fields", locals: locals)
                var arguments: [String] = []
                var place = 0
                for property in record.properties {
                    switch property {
                    case .field(let field):
                        arguments.append("\(field.name.label): \(field.taken(place, from: locals[place]))")
                        place += 1
                    case .omitted(let name, let value):
                        if record.construction == .memberwise { arguments.append("\(name.label): \(value)") }
                    }
                }
                if record.construction == .emitted { arguments.insert("reading: ()", at: 0) }
                writer.call(fields.contains(where: \.isRequired) ? "return try Self" : "return Self", arguments)
            }
        }
    }

    /// An initialiser for a type whose own ones take something else than its properties.
    private func initialiser(_ record: ShapeDeclaration.Record) -> String {
        Self.text { writer in
            let parameters = ["reading: Void"] + record.fields.map { "\($0.name): \($0.type.text)" }
            writer.call("private init", parameters, tail: " {")
            writer.indented { writer in
                for property in record.properties {
                    switch property {
                    case .field(let field): writer.line("self.\(field.name) = \(field.name)")
                    case .omitted(let name, let value): writer.line("self.\(name) = \(value)")
                    }
                }
            }
            writer.line("}")
        }
    }
}

// MARK: - Fields, of structs and of cases

extension SourceWriter {
    /// The statements that write `fields`, whose description is the expression `description`.
    mutating func writeFields(_ fields: [ShapeField], of description: String, values: [String]) {
        line("var record = try writer.beginRecord(\(description))")
        for (index, value) in values.enumerated() { line("try writer.field(\(value), \(index), in: &record)") }
        line("try writer.endRecord(&record)")
    }

    /// The statements that read `fields` into the variables `locals`.
    mutating func readFields(_ fields: [ShapeField], of description: String, locals: [String]) {
        line("var record = try reader.beginRecord(\(description))")
        if fields.isEmpty {
            line("while try reader.nextField(&record) != nil {}")
            return
        }
        for (field, local) in zip(fields, locals) { line("var \(local): \(field.carried.slot)") }
        block("while let index = try reader.nextField(&record)") { writer in
            writer.line("switch index {")
            for (index, local) in locals.enumerated() {
                // The last place is the default: a reader announces no other, and the switch must be exhaustive.
                let label = index + 1 == locals.count ? "default" : "case \(index)"
                writer.line("\(label): try reader.field(&\(local), in: record)")
            }
            writer.line("}")
        }
    }
}

extension ShapeField {
    /// Names the emitted functions use themselves.
    private static let taken: Set<String> = ["reader", "writer", "record", "index", "fields", "cases", "variant", "shape"]

    /// The type that travels: the property's own, or the isomorphism around it.
    var carried: TypeText {
        guard let via else { return type }
        return TypeText(text: "SkerryCodec.Via<\(via)>" + (type.isOptional ? "?" : ""))
    }

    /// The property inside an instance method, as it travels.
    var ownValue: String {
        outgoing(Self.taken.contains(name.plain) ? "self.\(name)" : name)
    }

    /// The value of the expression `value`, as it travels.
    func outgoing(_ value: String) -> String {
        guard let via else { return value }
        return type.isOptional ? "\(value).map { SkerryCodec.Via<\(via)>($0) }" : "SkerryCodec.Via<\(via)>(\(value))"
    }

    /// Local variables for `fields`, named after them; `value` is taken where a case is being read.
    static func locals(_ fields: [ShapeField], inCase: Bool = false) -> [String] {
        let names = Set(fields.map(\.name.plain))
        return fields.map { field in
            guard taken.contains(field.name.plain) || (inCase && field.name.plain == "value") else { return field.name }
            var local = field.name.plain + "_"
            while names.contains(local) { local += "_" }
            return local
        }
    }

    /// Whether reading throws when the field is missing, as far as syntax tells.
    var isRequired: Bool { defaultValue == nil }

    /// The value at the end of reading: what was read, or what its absence means.
    func taken(_ index: Int, from local: String) -> String {
        guard via != nil else {
            return defaultValue.map { "\(local) ?? \(Self.operand($0))" } ?? "record.require(\(local), \(index))"
        }
        switch (type.isOptional, defaultValue) {
        case (false, nil): return "record.require(\(local), \(index)).value"
        case (false, let value?): return "\(local)?.value ?? \(Self.operand(value))"
        case (true, nil): return "record.require(\(local), \(index))?.value"
        case (true, let value?): return "\(local).map { $0?.value } ?? \(Self.operand(value))"
        }
    }

    /// The right side of `??`: parentheses where the expression holds an operator or a closure of its own.
    private static func operand(_ expression: String) -> String {
        expression.contains(" ") && !expression.hasPrefix("\"") && !expression.hasPrefix("[") ? "(\(expression))" : expression
    }
}
