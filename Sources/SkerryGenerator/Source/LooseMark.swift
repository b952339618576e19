package import SwiftSyntax

/// A mark such as `@Key` or `@Wire` where nothing reads it: neither its type nor the protocol around is marked.
package struct LooseMark {
    package let findings: Findings

    /// - Parameters:
    ///   - annotation: the mark.
    ///   - declaration: what it stands on.
    ///   - group: the type, protocol or extension around that, if any.
    package init(_ annotation: AttributeSyntax, on declaration: some SyntaxProtocol, in group: Syntax?) {
        var findings = Findings()
        if !Self.isMarked(Syntax(declaration)), !(group.map(Self.isMarked) ?? false), let mark = Annotation(annotation) {
            let reader = Self.methodMarks.contains(mark.name) ? "'@Service' on the protocol" : "'@Shape' on the type"
            findings.error(
                .misplacedAttribute, at: annotation, "'@\(mark.name)' means nothing here without \(reader)",
                fix: .remove(annotation, "remove '@\(mark.name)'"))
        }
        self.findings = findings
    }

    /// Marks of methods; all others belong to types.
    static let methodMarks: Set<String> = [
        "Wire", "OneWay", "Idempotent", "Durable", "ReadOnly", "Offload", "Serial", "Until", "GET", "POST", "PUT", "DELETE", "PATCH",
    ]

    private static func isMarked(_ node: Syntax) -> Bool {
        guard let attributes = node.asProtocol((any WithAttributesSyntax).self)?.attributes else { return false }
        let annotations = Annotations(attributes)
        return annotations.contains("Shape") || annotations.contains("Service")
    }
}
