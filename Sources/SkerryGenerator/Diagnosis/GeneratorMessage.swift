package import SwiftDiagnostics

/// What the generator says about a declaration: an error, or a note that belongs to one, with a code that tests and tools can name.
package struct GeneratorMessage: DiagnosticMessage, NoteMessage {
    package let code: GeneratorCode
    package let message: String
    package let severity: DiagnosticSeverity

    package init(_ code: GeneratorCode, _ message: String, severity: DiagnosticSeverity = .error) {
        self.code = code
        self.message = message
        self.severity = severity
    }

    package var diagnosticID: MessageID { MessageID(domain: "Skerry", id: code.rawValue) }
    package var noteID: MessageID { diagnosticID }
}
