package import SwiftDiagnostics
import SwiftSyntax

/// What was found wrong so far, in the order it was met. Each finding is an error: a declaration with any is not expanded.
package struct Findings {
    package private(set) var diagnostics: [Diagnostic] = []

    package init() {}

    /// How many there are.
    var count: Int { diagnostics.count }

    /// - Parameters:
    ///   - code: the kind of mistake.
    ///   - node: where it is; its first character is the place that is told.
    ///   - message: what is wrong and what to do, in one sentence without a full stop.
    ///   - see: another place the message speaks of.
    ///   - fix: the change that mends it, where there is one.
    mutating func error(
        _ code: GeneratorCode, at node: some SyntaxProtocol, _ message: String, see: (node: Syntax, message: String)? = nil,
        fix: Edit? = nil
    ) {
        let notes = see.map { [Note(node: $0.node, message: GeneratorMessage(code, $0.message, severity: .note))] } ?? []
        let fixIts = fix.map { edit in
            let change = FixIt.Change.replaceText(range: edit.range, with: edit.text, in: edit.node)
            return [FixIt(message: GeneratorFixIt(code: code, message: edit.message), changes: [change])]
        }
        diagnostics.append(Diagnostic(node: node, message: GeneratorMessage(code, message), notes: notes, fixIts: fixIts ?? []))
    }

    mutating func append(_ other: Findings) {
        diagnostics += other.diagnostics
    }
}
