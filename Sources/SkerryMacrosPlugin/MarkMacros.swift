import SkerryGenerator
package import SwiftSyntax
package import SwiftSyntaxMacros

/// The attributes on properties and cases, such as `@Key`. They expand to nothing: `@Shape` reads them.
package enum FieldMark: PeerMacro {
    package static func expansion(
        of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol, in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        context.diagnoseLoose(node, on: declaration)
        return []
    }
}

/// The attributes on methods, such as `@Wire`. They expand to nothing: `@Service` reads them.
package enum MethodMark: PeerMacro {
    package static func expansion(
        of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol, in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        context.diagnoseLoose(node, on: declaration)
        return []
    }
}

extension MacroExpansionContext {
    /// Tells of a mark that nothing reads.
    fileprivate func diagnoseLoose(_ node: AttributeSyntax, on declaration: some DeclSyntaxProtocol) {
        for diagnostic in LooseMark(node, on: declaration, in: lexicalContext.first).findings.diagnostics { diagnose(diagnostic) }
    }
}
