package import SwiftDiagnostics
import SwiftParser
import SwiftSyntax

/// One Swift file read by the printer: what it marks, and what is wrong with that.
package struct SourceFile {
    /// The name for messages and for the head of what is printed, without directories.
    package let name: String
    private let tree: SourceFileSyntax
    private let marked: [MarkedDeclarations.Found]
    /// In the order of the source.
    package let diagnostics: [Diagnostic]

    /// - Parameters:
    ///   - name: of the file.
    ///   - text: its contents; attributes may stand in comments, see ``CommentedAttributes``.
    package init(name: String, text: String) {
        self.name = name
        tree = Parser.parse(source: CommentedAttributes.revealed(text))
        let visitor = MarkedDeclarations(original: text)
        var diagnostics: [Diagnostic] = []
        if tree.hasError {
            var findings = Findings()
            findings.error(.wrongDeclaration, at: tree, "the file does not parse: compile it first")
            diagnostics = findings.diagnostics
        } else {
            visitor.walk(tree)
            diagnostics = visitor.findings.diagnostics
        }
        marked = visitor.found
        for found in marked {
            switch found {
            case .shape(let expansion, _): diagnostics += expansion.findings.diagnostics
            case .service(let expansion, _): diagnostics += expansion.findings.diagnostics
            }
        }
        var told: Set<String> = []
        // A repeated attribute is told by each expansion.
        self.diagnostics = diagnostics.sorted { $0.position < $1.position }.filter {
            told.insert("\($0.position.utf8Offset) \($0.message)").inserted
        }
    }

    /// Whether anything must not be expanded.
    package var hasErrors: Bool { diagnostics.contains { $0.diagMessage.severity == .error } }

    /// Findings as compilers print them: `file:line:column: error: …`, notes and proposed changes on the lines after.
    package var messages: [String] {
        let converter = SourceLocationConverter(fileName: name, tree: tree)
        return diagnostics.flatMap { diagnostic in
            let head = Self.place(diagnostic.position, converter) + ": \(diagnostic.diagMessage.severity): \(diagnostic.message)"
            let notes = diagnostic.notes.map { note in
                Self.place(note.node.positionAfterSkippingLeadingTrivia, converter) + ": note: \(note.message)"
            }
            let fixes = diagnostic.fixIts.flatMap { fix in
                fix.edits.map { edit in
                    let text = edit.replacement.isEmpty ? "nothing" : "'\(edit.replacement)'"
                    let upper = converter.location(for: edit.range.upperBound)
                    return Self.place(edit.range.lowerBound, converter)
                        + "-\(upper.line):\(upper.column): fix: \(fix.message.message) (\(text))"
                }
            }
            return [head] + notes + fixes
        }
    }

    private static func place(_ position: AbsolutePosition, _ converter: SourceLocationConverter) -> String {
        let location = converter.location(for: position)
        return "\(location.file):\(location.line):\(location.column)"
    }

    /// The shapes, in the order of the source. Without errors these are all that are marked.
    package var shapes: [ShapeDeclaration] {
        marked.compactMap { if case .shape(let expansion, _) = $0 { expansion.declaration } else { nil } }
    }

    /// The services, in the order of the source.
    package var services: [ServiceDeclaration] {
        marked.compactMap { if case .service(let expansion, _) = $0 { expansion.declaration } else { nil } }
    }
}

// MARK: - Printing

extension SourceFile {
    /// The line by which a printed file is known, up to the name of what it was printed from.
    package static let marker = "// Printed by skerry-generate from "

    /// Where the output of the file `name` belongs: `Part.swift` gives `Part+Generated.swift`.
    package static func outputName(_ name: String) -> String {
        let stem = name.hasSuffix(".swift") ? String(name.dropLast(".swift".count)) : name
        return stem + "+Generated.swift"
    }

    /// The name of the file that `text` was printed from, nil when it is not printed.
    package static func source(ofPrinted text: String) -> String? {
        guard text.hasPrefix(marker), let end = text.firstRange(of: ".swift:")?.upperBound else { return nil }
        return String(text[..<end].dropFirst(marker.count).dropLast())
    }

    /// The file to commit beside this one: the same declarations the macros would give, with their imports.
    package func printed() -> String {
        var writer = SourceWriter()
        writer.line("\(Self.marker)\(name): change that and run it again.")
        // Documentation stands on one line however long it is.
        writer.line("// swift-format-ignore-file")
        writer.line()
        for line in imports() { writer.line(line) }
        for found in marked {
            switch found {
            case .shape(let expansion, _): print(expansion, to: &writer)
            case .service(let expansion, let outer): print(expansion, outer, to: &writer)
            }
        }
        return writer.text
    }

    private func print(_ expansion: ShapeExpansion, to writer: inout SourceWriter) {
        guard let declaration = expansion.declaration else { return }
        writer.line()
        writer.block("extension \(declaration.qualifiedName): SkerryCodec.Shaped") { Self.apart(expansion.members, &$0) }
    }

    private func print(_ expansion: ServiceExpansion, _ outer: String, to writer: inout SourceWriter) {
        guard let declaration = expansion.declaration else { return }
        writer.line()
        if outer.isEmpty {
            Self.apart(expansion.peers, &writer)
        } else {
            writer.block("extension \(outer)") { Self.apart(expansion.peers, &$0) }
        }
        if expansion.shorterForms.isEmpty { return }
        writer.line()
        writer.block("extension \(declaration.qualifiedName)") { Self.apart(expansion.shorterForms, &$0) }
    }

    /// The texts with an empty line between them.
    private static func apart(_ texts: [String], _ writer: inout SourceWriter) {
        for (index, text) in texts.enumerated() {
            if index > 0 { writer.line() }
            writer.line(text)
        }
    }

    /// The file's own imports and those of the libraries the output names.
    ///
    /// Only a public client shows the types of other modules, so without one the imports lose their access level.
    private func imports() -> [String] {
        var lines: [String: String] = [:]
        let client = services.map(\.access).max() ?? .internal
        for statement in tree.statements {
            guard let node = statement.item.as(ImportDeclSyntax.self) else { continue }
            var kept = node.trimmed
            if client <= .internal {
                kept = kept.with(\.modifiers, [])
                kept.importKeyword.leadingTrivia = []
            }
            lines[node.path.oneLine] = kept.oneLine
        }
        func need(_ module: String, _ level: AccessLevel) {
            let own = lines[module].flatMap { line in AccessLevel.allNamed.first { line.hasPrefix("\($0.name) ") }?.level } ?? .internal
            if lines[module] == nil || own < level { lines[module] = level.memberPrefix + "import \(module)" }
        }
        if !shapes.isEmpty || !services.isEmpty { need("SkerryCodec", shapes.map(\.access).max() ?? .internal) }
        if !services.isEmpty { need("SkerryRPC", client) }
        lines["SkerryMacros"] = nil
        return lines.sorted { $0.key < $1.key }.map(\.value)
    }
}

extension AccessLevel {
    fileprivate static let allNamed: [(name: String, level: AccessLevel)] = [("public", .public), ("package", .package)]
}
