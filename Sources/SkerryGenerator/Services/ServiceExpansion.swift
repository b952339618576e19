package import SwiftSyntax

/// `@Service` applied to one declaration.
package struct ServiceExpansion {
    /// Nil when ``findings`` hold an error.
    package let declaration: ServiceDeclaration?
    package let findings: Findings

    /// - Parameters:
    ///   - node: what the attribute stands on.
    ///   - annotation: the attribute.
    ///   - surroundings: the declarations around.
    package init(of node: some DeclSyntaxProtocol, annotation: AttributeSyntax, in surroundings: Surroundings) {
        var parser = ServiceParser(annotation: annotation, surroundings: surroundings)
        declaration = parser.parse(node)
        findings = parser.findings
    }

    /// The declarations beside the protocol, one text each; none when there was an error.
    package var peers: [String] {
        declaration.map { ServiceEmitter($0).peers() } ?? []
    }

    /// The members of an extension of the protocol, one text each.
    package var shorterForms: [String] {
        declaration.map { $0.isNested ? [] : ServiceEmitter($0).shorterForms() } ?? []
    }
}
