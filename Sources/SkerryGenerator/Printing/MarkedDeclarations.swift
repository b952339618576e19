import SwiftSyntax

/// Finds the marked declarations of a file, in the order of the source.
final class MarkedDeclarations: SyntaxVisitor {
    enum Found {
        case shape(ShapeExpansion, name: TokenSyntax?)
        case service(ServiceExpansion, outer: String)
    }

    private(set) var found: [Found] = []
    private(set) var findings = Findings()
    private var surroundings = [Surroundings()]
    private var conditions = 0

    init() {
        super.init(viewMode: .sourceAccurate)
    }

    private func enter(_ node: some DeclSyntaxProtocol, _ attributes: AttributeListSyntax, _ name: TokenSyntax?) -> SyntaxVisitorContinueKind {
        for annotation in Annotations(attributes).all where annotation.name == "Shape" || annotation.name == "Service" {
            if conditions > 0 {
                findings.error(
                    .conditionalDeclaration, at: annotation.node,
                    "the printer does not see what '#if' chooses: move the declaration out of it")
            }
            if annotation.name == "Shape" {
                let expansion = ShapeExpansion(of: node, annotation: annotation.node, in: surroundings.last!)
                if let declaration = expansion.declaration { checkReach(declaration, node, annotation.node) }
                found.append(.shape(expansion, name: name))
            } else {
                let expansion = ServiceExpansion(of: node, annotation: annotation.node, in: surroundings.last!)
                if let declaration = expansion.declaration, declaration.access <= .fileprivate {
                    refusePrivate(annotation.node, "'\(declaration.name)'")
                }
                found.append(.service(expansion, outer: surroundings.last!.path))
            }
        }
        descend(Syntax(node))
        return .visitChildren
    }

    private func descend(_ node: Syntax) {
        var inner = surroundings.last!
        inner.enter(node)
        surroundings.append(inner)
    }

    // MARK: - What another file cannot reach

    private func checkReach(_ declaration: ShapeDeclaration, _ node: some DeclSyntaxProtocol, _ annotation: AttributeSyntax) {
        if declaration.access <= .fileprivate { refusePrivate(annotation, "'\(declaration.qualifiedName)'") }
        guard let structure = node.as(StructDeclSyntax.self) else { return }
        for member in structure.memberBlock.members {
            guard let variable = member.decl.as(VariableDeclSyntax.self), let level = AccessLevel(variable.modifiers),
                level <= .fileprivate, !variable.modifiers.contains(where: { $0.name.tokenKind == .keyword(.static) }),
                variable.bindings.contains(where: { !ShapeParser.isComputed($0) })
            else { continue }
            refusePrivate(variable, "this property")
        }
    }

    private func refusePrivate(_ node: some SyntaxProtocol, _ subject: String) {
        findings.error(
            .privateDeclaration, at: node, "what is printed stands in another file, which cannot reach \(subject): make it at least internal")
    }

    // MARK: - Visits

    override func visit(_ node: StructDeclSyntax) -> SyntaxVisitorContinueKind { enter(node, node.attributes, node.name) }
    override func visit(_ node: EnumDeclSyntax) -> SyntaxVisitorContinueKind { enter(node, node.attributes, node.name) }
    override func visit(_ node: ClassDeclSyntax) -> SyntaxVisitorContinueKind { enter(node, node.attributes, node.name) }
    override func visit(_ node: ActorDeclSyntax) -> SyntaxVisitorContinueKind { enter(node, node.attributes, node.name) }
    override func visit(_ node: ProtocolDeclSyntax) -> SyntaxVisitorContinueKind { enter(node, node.attributes, node.name) }
    override func visit(_ node: ExtensionDeclSyntax) -> SyntaxVisitorContinueKind { enter(node, node.attributes, nil) }
    override func visit(_ node: FunctionDeclSyntax) -> SyntaxVisitorContinueKind { enter(node, node.attributes, node.name) }
    override func visit(_ node: AccessorBlockSyntax) -> SyntaxVisitorContinueKind {
        descend(Syntax(node))
        return .visitChildren
    }
    override func visit(_ node: IfConfigDeclSyntax) -> SyntaxVisitorContinueKind {
        conditions += 1
        return .visitChildren
    }

    override func visitPost(_ node: StructDeclSyntax) { surroundings.removeLast() }
    override func visitPost(_ node: EnumDeclSyntax) { surroundings.removeLast() }
    override func visitPost(_ node: ClassDeclSyntax) { surroundings.removeLast() }
    override func visitPost(_ node: ActorDeclSyntax) { surroundings.removeLast() }
    override func visitPost(_ node: ProtocolDeclSyntax) { surroundings.removeLast() }
    override func visitPost(_ node: ExtensionDeclSyntax) { surroundings.removeLast() }
    override func visitPost(_ node: FunctionDeclSyntax) { surroundings.removeLast() }
    override func visitPost(_ node: AccessorBlockSyntax) { surroundings.removeLast() }
    override func visitPost(_ node: IfConfigDeclSyntax) { conditions -= 1 }
}
