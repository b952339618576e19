// MARK: - Raw values

extension ShapeEmitter {
    /// Writing and reading come from the library, which does them for every `RawRepresentable`; only the description is ours.
    func members(ofRaw type: String, _ cases: [ShapeDeclaration.RawCase]) -> [String] {
        let isText = type == "String"
        let values = cases.map { isText ? ".string(\(swiftLiteral($0.value)))" : ".init(integer: \(type)(\($0.value)))" }
        return [
            Self.text { writer in
                writer.block("\(level)static var shape: SkerryCodec.Shape") { writer in
                    var arguments = ["name: \(swiftLiteral(shape.wireName))"]
                    let documentation = rawDocumentation(cases)
                    if !documentation.isEmpty { arguments.append("documentation: \(swiftLiteral(documentation))") }
                    arguments += ["carrier: \(type).shape", "values: [\(values.joined(separator: ", "))]"]
                    writer.call(".alias(.init", arguments, tail: ")")
                }
            }
        ]
    }

    /// The type's own documentation, then a line for each case that has one: an alias has no other place for them.
    private func rawDocumentation(_ cases: [ShapeDeclaration.RawCase]) -> String {
        let lines = cases.compactMap { $0.documentation.text.isEmpty ? nil : "\($0.value): \($0.documentation.text)" }
        return ([shape.documentation.text] + lines).filter { !$0.isEmpty }.joined(separator: "\n")
    }
}

// MARK: - Payloads

extension ShapeEmitter {
    func members(of cases: [ShapeDeclaration.VariantCase]) -> [String] {
        var tail: [String] = []
        if !shape.documentation.text.isEmpty { tail.append("doc: \(swiftLiteral(shape.documentation.text))") }
        var members = [description("cases", "Cases", cases.map(arguments), tail: tail)]
        members.append("\(level)static var shape: SkerryCodec.Shape { .variant(cases) }")
        members.append(write(cases))
        members.append(read(cases))
        return members
    }

    private func write(_ cases: [ShapeDeclaration.VariantCase]) -> String {
        Self.text { writer in
            writer.block(writeHead) { writer in
                writer.line("switch self {")
                for (index, variantCase) in cases.enumerated() { write(variantCase, index, to: &writer) }
                writer.line("}")
            }
        }
    }

    private func write(_ variantCase: ShapeDeclaration.VariantCase, _ index: Int, to writer: inout SourceWriter) {
        switch variantCase.payload {
        case .none:
            writer.line("case .\(variantCase.name): try writer.variant(\(index), of: Self.cases)")
        case .single:
            writer.line("case .\(variantCase.name)(let value): try writer.variant(\(index), of: Self.cases, value)")
        case .fields(let fields):
            let locals = ShapeField.locals(fields, inCase: true)
            writer.line("case .\(variantCase.name)(\(locals.map { "let \($0)" }.joined(separator: ", "))):")
            writer.indented { writer in
                writer.line("var variant = try writer.beginVariant(\(index), of: Self.cases)")
                writer.writeFields(fields, of: "variant.cases.fields(\(index))", values: locals)
                writer.line("try writer.endVariant(&variant)")
            }
        }
    }

    private func read(_ cases: [ShapeDeclaration.VariantCase]) -> String {
        Self.text { writer in
            writer.block(readHead) { writer in
                writer.line("var variant = try reader.beginVariant(cases)")
                writer.line("let value: Self")
                writer.line("switch variant.index {")
                for (index, variantCase) in cases.enumerated() {
                    // The last place is the default: a reader announces no other, and the switch must be exhaustive.
                    read(variantCase, index, label: index + 1 == cases.count ? "default" : "case \(index)", to: &writer)
                }
                writer.line("}")
                writer.line("try reader.endVariant(&variant)")
                writer.line("return value")
            }
        }
    }

    private func read(_ variantCase: ShapeDeclaration.VariantCase, _ index: Int, label: String, to writer: inout SourceWriter) {
        switch variantCase.payload {
        case .none:
            writer.line("\(label): value = .\(variantCase.name)")
        case .single(let type):
            writer.line("\(label): value = try .\(variantCase.name)(reader.payload(\(type.metatype).self, in: variant))")
        case .fields(let fields):
            writer.line("\(label):")
            writer.indented { writer in
                let locals = ShapeField.locals(fields, inCase: true)
                writer.readFields(fields, of: "variant.cases.fields(\(index))", locals: locals)
                let arguments = fields.enumerated().map { place, field in
                    (field.isLabelled ? "\(field.name.label): " : "") + field.taken(place, from: locals[place])
                }
                let effect = fields.contains(where: \.isRequired) ? "try " : ""
                writer.call("value = \(effect).\(variantCase.name)", arguments)
            }
        }
    }

    /// `"key", String.self, name: "…", doc: "…"`.
    private func arguments(of variantCase: ShapeDeclaration.VariantCase) -> [String] {
        var parts = [swiftLiteral(variantCase.key)]
        switch variantCase.payload {
        case .none: break
        case .single(let type): parts.append("\(type.metatype).self")
        case .fields(let fields):
            let list = fields.map { ".init(\($0.description.joined(separator: ", ")))" }.joined(separator: ", ")
            parts.append("SkerryCodec.Fields(\(instanceName(".\(variantCase.key)")), [\(list)])")
        }
        if variantCase.name.plain != variantCase.key { parts.append("name: \(swiftLiteral(variantCase.name.plain))") }
        if !variantCase.documentation.text.isEmpty { parts.append("doc: \(swiftLiteral(variantCase.documentation.text))") }
        return parts
    }
}
