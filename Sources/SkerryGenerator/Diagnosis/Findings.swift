package import SwiftDiagnostics
import SwiftSyntax

/// What was found wrong so far, in the order of the source.
package struct Findings {
    package private(set) var diagnostics: [Diagnostic] = []

    package init() {}

    /// True when the declaration must not be expanded.
    package var haveErrors: Bool { errorCount > 0 }

    /// Errors among the findings.
    var errorCount: Int { diagnostics.count { $0.diagMessage.severity == .error } }

    mutating func error(
        _ code: GeneratorCode, at node: some SyntaxProtocol, _ message: String, see: (node: Syntax, message: String)? = nil,
        fix: Edit? = nil
    ) {
        add(code, at: node, message, severity: .error, see: see, fix: fix)
    }

    mutating func warning(_ code: GeneratorCode, at node: some SyntaxProtocol, _ message: String, fix: Edit? = nil) {
        add(code, at: node, message, severity: .warning, see: nil, fix: fix)
    }

    private mutating func add(
        _ code: GeneratorCode, at node: some SyntaxProtocol, _ message: String, severity: DiagnosticSeverity,
        see: (node: Syntax, message: String)?, fix: Edit?
    ) {
        let notes = see.map { [Note(node: $0.node, message: GeneratorMessage(code, $0.message, severity: .note))] } ?? []
        let fixIts =
            fix.map { edit in
                [
                    FixIt(
                        message: GeneratorFixIt(code: code, message: edit.message),
                        changes: [.replaceText(range: edit.range, with: edit.text, in: edit.node)])
                ]
            } ?? []
        diagnostics.append(
            Diagnostic(node: node, message: GeneratorMessage(code, message, severity: severity), notes: notes, fixIts: fixIts))
    }
}
