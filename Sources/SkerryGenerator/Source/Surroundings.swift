package import SwiftSyntax

/// What lies around a declaration: the types and extensions it is nested in, from the outside in.
package struct Surroundings {
    /// `Outer.Middle`, empty at file level.
    package private(set) var path = ""
    /// True when a type around it has generic parameters.
    package private(set) var isGeneric = false
    /// The least access level of the types around it: an inner declaration is never seen farther.
    package private(set) var access = AccessLevel.public
    /// What members get when they say nothing: an extension's own level.
    package private(set) var memberDefault: AccessLevel?
    /// True inside a function or closure, where nothing can be extended.
    package private(set) var isLocal = false

    package init() {}

    /// - Parameter lexicalContext: the enclosing declarations from the inside out, as macros get them.
    package init(lexicalContext: [Syntax]) {
        for node in lexicalContext.reversed() { enter(node) }
    }

    /// Steps into `node`. Nodes that are neither types nor extensions make everything inside local.
    package mutating func enter(_ node: Syntax) {
        switch node.as(SyntaxEnum.self) {
        case .structDecl(let decl): enter(decl.name, decl.modifiers, decl.genericParameterClause)
        case .enumDecl(let decl): enter(decl.name, decl.modifiers, decl.genericParameterClause)
        case .classDecl(let decl): enter(decl.name, decl.modifiers, decl.genericParameterClause)
        case .actorDecl(let decl): enter(decl.name, decl.modifiers, decl.genericParameterClause)
        case .protocolDecl(let decl): enter(decl.name, decl.modifiers, nil)
        case .extensionDecl(let decl):
            path = joined(decl.extendedType.oneLine)
            memberDefault = AccessLevel(decl.modifiers)
        default:
            isLocal = true
        }
    }

    private mutating func enter(_ name: TokenSyntax, _ modifiers: DeclModifierListSyntax, _ generics: GenericParameterClauseSyntax?) {
        path = joined(name.text)
        isGeneric = isGeneric || generics != nil
        access = min(access, level(modifiers))
        memberDefault = nil
    }

    /// `name` as an extension at file level writes it.
    func joined(_ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    /// The level of a declaration here, from its modifiers or from the extension around it.
    func level(_ modifiers: DeclModifierListSyntax) -> AccessLevel {
        AccessLevel(modifiers) ?? memberDefault ?? .internal
    }
}
