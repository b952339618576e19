package import SwiftSyntax

/// `@Shape` applied to one declaration.
package struct ShapeExpansion {
    /// Nil when ``findings`` hold an error.
    package let declaration: ShapeDeclaration?
    package let findings: Findings

    /// - Parameters:
    ///   - node: what the attribute stands on.
    ///   - annotation: the attribute.
    ///   - surroundings: the declarations around.
    package init(of node: some DeclSyntaxProtocol, annotation: AttributeSyntax, in surroundings: Surroundings) {
        var parser = ShapeParser(annotation: annotation, surroundings: surroundings)
        declaration = parser.parse(node)
        findings = parser.findings
    }

    /// The members of the type, one text each; none when there was an error.
    package var members: [String] {
        declaration.map { ShapeEmitter(shape: $0).members() } ?? []
    }
}
