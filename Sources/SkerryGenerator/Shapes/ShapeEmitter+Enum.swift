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
        var members: [String] = []
        for variantCase in cases {
            guard case .fields(let fields) = variantCase.payload else { continue }
            // A generic type keeps its descriptions by type, so each needs a type of its own: tuples of different lengths.
            let key = "(" + Array(repeating: "Self", count: members.count + 2).joined(separator: ", ") + ")"
            members.append(
                description(
                    variantCase.fieldsName, "Fields", name: "\(shape.wireName).\(variantCase.key)", fields.map(\.description), tail: [],
                    cachedFor: key))
        }
        members.append(description("cases", "Cases", name: shape.wireName, cases.map(\.description), tail: tail))
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
                writer.block("do throws(SkerryCodec.ShapeError)", close: "} catch {") { writer in
                    writer.writeFields(fields, of: "Self.\(variantCase.fieldsName)", values: locals)
                }
                writer.indented { $0.line("throw variant.passing(error)") }
                writer.line("}")
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
                    read(variantCase, label: index + 1 == cases.count ? "default" : "case \(index)", to: &writer)
                }
                writer.line("}")
                writer.line("try reader.endVariant(&variant)")
                writer.line("return value")
            }
        }
    }

    private func read(_ variantCase: ShapeDeclaration.VariantCase, label: String, to writer: inout SourceWriter) {
        switch variantCase.payload {
        case .none:
            writer.line("\(label): value = .\(variantCase.name)")
        case .single(let type):
            writer.line("\(label): value = try .\(variantCase.name)(reader.payload(\(type.metatype).self, in: variant))")
        case .fields(let fields):
            writer.line("\(label):")
            writer.indented { writer in
                writer.block("do throws(SkerryCodec.ShapeError)", close: "} catch {") { writer in
                    let locals = ShapeField.locals(fields, inCase: true)
                    writer.readFields(fields, of: variantCase.fieldsName, locals: locals)
                    let arguments = fields.enumerated().map { index, field in
                        (field.isLabelled ? "\(field.name.label): " : "") + field.taken(index, from: locals[index])
                    }
                    let effect = fields.contains(where: \.isRequired) ? "try " : ""
                    writer.call("value = \(effect).\(variantCase.name)", arguments)
                }
                writer.indented { $0.line("throw variant.passing(error)") }
                writer.line("}")
            }
        }
    }
}

extension ShapeDeclaration.VariantCase {
    /// The static member that describes the case's values.
    var fieldsName: String { name.plain + "Fields" }

    /// `.init("key", String.self, name: "…", doc: "…")`.
    var description: String {
        var parts = [swiftLiteral(key)]
        switch payload {
        case .none: break
        case .single(let type): parts.append("\(type.metatype).self")
        case .fields: parts.append(fieldsName)
        }
        if name.plain != key { parts.append("name: \(swiftLiteral(name.plain))") }
        if !documentation.text.isEmpty { parts.append("doc: \(swiftLiteral(documentation.text))") }
        return ".init(\(parts.joined(separator: ", ")))"
    }
}
