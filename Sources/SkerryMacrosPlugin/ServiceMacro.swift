import SkerryGenerator
package import SwiftSyntax
package import SwiftSyntaxMacros

/// `@Service`: description, client and dispatcher beside the protocol; the shorter forms of its methods in an extension.
package enum ServiceMacro {}

extension ServiceMacro: PeerMacro {
    /// The text is printed as the printer prints it.
    package static var formatMode: FormatMode { .disabled }

    package static func expansion(
        of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol, in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        let expansion = ServiceExpansion(
            of: declaration, annotation: node, in: Surroundings(lexicalContext: context.lexicalContext))
        for diagnostic in expansion.findings.diagnostics { context.diagnose(diagnostic) }
        return expansion.peers.flatMap(DeclSyntax.parsed)
    }
}

extension ServiceMacro: ExtensionMacro {
    package static func expansion(
        of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax, providingExtensionsOf type: some TypeSyntaxProtocol,
        conformingTo protocols: [TypeSyntax], in context: some MacroExpansionContext
    ) throws -> [ExtensionDeclSyntax] {
        // The errors are the other role's to tell.
        let expansion = ServiceExpansion(
            of: DeclSyntax(fromProtocol: declaration), annotation: node, in: Surroundings(lexicalContext: context.lexicalContext))
        let forms = expansion.shorterForms
        if forms.isEmpty { return [] }
        let text = "extension \(type.trimmed) {\n\(forms.joined(separator: "\n\n"))\n}"
        return DeclSyntax.parsed(text).compactMap { $0.as(ExtensionDeclSyntax.self) }
    }
}
