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
    /// The file as it is, with marks still in comments.
    private let original: [UInt8]

    init(original: String) {
        self.original = Array(original.utf8)
        super.init(viewMode: .sourceAccurate)
    }

    /// Whether the mark stands in a comment, so that its expansion will stand in another file.
    private func isPrinted(_ annotation: Annotation) -> Bool {
        let place = annotation.node.positionAfterSkippingLeadingTrivia.utf8Offset
        let start = original[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return original[start..<place].contains(UInt8(ascii: "/"))
    }

    private func enter(_ node: some DeclSyntaxProtocol, _ attributes: AttributeListSyntax, _ name: TokenSyntax?)
        -> SyntaxVisitorContinueKind
    {
        for annotation in Annotations(attributes).all where annotation.name == "Shape" || annotation.name == "Service" {
            let isPrinted = isPrinted(annotation)
            if conditions > 0 && isPrinted {
                findings.error(
                    .conditionalDeclaration, at: annotation.node,
                    "the printer does not see what '#if' chooses: move the declaration out of it")
            }
            if annotation.name == "Shape" {
                let expansion = ShapeExpansion(of: node, annotation: annotation.node, in: surroundings.last!)
                if isPrinted, let declaration = expansion.declaration { checkReach(declaration, node, annotation.node) }
                found.append(.shape(expansion, name: name))
            } else {
                let expansion = ServiceExpansion(of: node, annotation: annotation.node, in: surroundings.last!)
                if isPrinted, let declaration = expansion.declaration, declaration.access <= .fileprivate {
                    refusePrivate(annotation.node, "'\(declaration.name)'")
                }
                found.append(.service(expansion, outer: surroundings.last!.path))
            }
        }
        checkLoose(node, attributes)
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
        if let structure = node.as(StructDeclSyntax.self) {
            checkSendable(structure.name, structure.genericParameterClause, structure.inheritanceClause)
        } else if let choice = node.as(EnumDeclSyntax.self) {
            checkSendable(choice.name, choice.genericParameterClause, choice.inheritanceClause)
        }
        guard let structure = node.as(StructDeclSyntax.self) else { return }
        for member in structure.memberBlock.members {
            guard let variable = member.decl.as(VariableDeclSyntax.self), let level = AccessLevel(variable.modifiers),
                level <= .fileprivate, !variable.modifiers.contains(where: { $0.name.tokenKind == .keyword(.static) }),
                variable.bindings.contains(where: { !ShapeParser.isComputed($0) })
            else { continue }
            refusePrivate(variable, "this property")
        }
    }

    /// Protocols and raw types which surely do not bring `Sendable` along.
    private static let plainProtocols: Set<String> = [
        "Equatable", "Hashable", "Comparable", "Identifiable", "CaseIterable", "RawRepresentable", "Codable", "Encodable", "Decodable",
        "CustomStringConvertible", "CustomDebugStringConvertible", "LosslessStringConvertible", "ExpressibleByStringLiteral",
        "String", "Int", "Int8", "Int16", "Int32", "Int64", "UInt", "UInt8", "UInt16", "UInt32", "UInt64",
    ]

    /// `Shaped` implies `Sendable`, which the language wants stated in the file of the type itself.
    private func checkSendable(_ name: TokenSyntax, _ generics: GenericParameterClauseSyntax?, _ clause: InheritanceClauseSyntax?) {
        let inherited = clause?.inheritedTypes.map { $0 } ?? []
        guard inherited.allSatisfy({ Self.plainProtocols.contains($0.type.oneLine) }) else { return }
        let fix: Edit =
            if let last = inherited.last {
                .insert(", Sendable", after: last.type, "write ', Sendable'")
            } else if let generics {
                .insert(": Sendable", after: generics, "write ': Sendable'")
            } else {
                .insert(": Sendable", after: name, "write ': Sendable'")
            }
        findings.error(
            .notSendable, at: name, "what is printed stands in another file, so '\(name.text)' must state 'Sendable' here", fix: fix)
    }

    private func refusePrivate(_ node: some SyntaxProtocol, _ subject: String) {
        findings.error(
            .privateDeclaration, at: node,
            "what is printed stands in another file, which cannot reach \(subject): make it at least internal")
    }

    /// A mark in a comment that nothing reads. One that is code is the compiler's to judge, who knows whose it is.
    private func checkLoose(_ node: some DeclSyntaxProtocol, _ attributes: AttributeListSyntax) {
        var group = node.parent
        while let outer = group, outer.asProtocol((any DeclGroupSyntax).self) == nil { group = outer.parent }
        for annotation in Annotations(attributes).all
        where CommentedAttributes.names.contains(annotation.name) && isPrinted(annotation) {
            findings.append(LooseMark(annotation.node, on: node, in: group).findings)
        }
    }

    // MARK: - Visits

    override func visit(_ node: VariableDeclSyntax) -> SyntaxVisitorContinueKind {
        checkLoose(node, node.attributes)
        return .visitChildren
    }
    override func visit(_ node: EnumCaseDeclSyntax) -> SyntaxVisitorContinueKind {
        checkLoose(node, node.attributes)
        return .visitChildren
    }

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
