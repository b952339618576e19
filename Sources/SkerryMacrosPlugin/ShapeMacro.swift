import SkerryGenerator
package import SwiftSyntax
package import SwiftSyntaxMacros

/// `@Shape`: the members go into the type itself, where its own names are in scope; an empty extension states the conformance.
package enum ShapeMacro {}

extension ShapeMacro: MemberMacro {
    /// The text is printed as the printer prints it.
    package static var formatMode: FormatMode { .disabled }

    package static func expansion(
        of node: AttributeSyntax, providingMembersOf declaration: some DeclGroupSyntax, conformingTo protocols: [TypeSyntax],
        in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        let expansion = ShapeExpansion(of: declaration, annotation: node, in: context)
        for diagnostic in expansion.findings.diagnostics { context.diagnose(diagnostic) }
        return expansion.members.flatMap(DeclSyntax.members)
    }
}

extension ShapeMacro: ExtensionMacro {
    package static func expansion(
        of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax, providingExtensionsOf type: some TypeSyntaxProtocol,
        conformingTo protocols: [TypeSyntax], in context: some MacroExpansionContext
    ) throws -> [ExtensionDeclSyntax] {
        // The errors are the other role's to tell; a type that states the conformance itself needs no second one.
        let expansion = ShapeExpansion(of: declaration, annotation: node, in: context)
        guard expansion.declaration != nil, !protocols.isEmpty else { return [] }
        return DeclSyntax.parsed("extension \(type.trimmed): SkerryCodec.Shaped {}").compactMap { $0.as(ExtensionDeclSyntax.self) }
    }
}

extension ShapeExpansion {
    fileprivate init(of declaration: some DeclGroupSyntax, annotation: AttributeSyntax, in context: some MacroExpansionContext) {
        self.init(
            of: DeclSyntax(fromProtocol: declaration), annotation: annotation, in: Surroundings(lexicalContext: context.lexicalContext))
    }
}
