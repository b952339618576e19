import SkerryGenerator
import SwiftDiagnostics
@testable import SkerryMacrosPlugin
import SwiftParser
import SwiftSyntax
import SwiftSyntaxMacroExpansion
import SwiftSyntaxMacros
import Testing

@Suite("The macro and the printer")
struct AgreementTests {
    @Test("Both give the same text", arguments: ["Shapes", "Services", "Committed"])
    func sameText(_ name: String) throws {
        let text = CommentedAttributes.revealed(try Golden.text("Examples/\(name).swift"))
        let collector = Expansions(viewMode: .sourceAccurate)
        collector.walk(Parser.parse(source: text))
        #expect(collector.texts.count > 2)
        let printed = SourceFile(name: "\(name).swift", text: text).printed()
        // What the printer adds: the head and the imports.
        let body = printed.split(separator: "\n", omittingEmptySubsequences: false).drop {
            $0.hasPrefix("//") || $0.isEmpty || $0.contains("import ")
        }
        #expect(collector.texts.joined(separator: "\n\n") + "\n" == body.joined(separator: "\n"))
    }

    @Test("The compiler is told what the printer tells", arguments: ["ShapeErrors", "ServiceErrors"])
    func sameFindings(_ name: String) throws {
        let text = try Golden.text("Golden/\(name).swift.txt")
        let tree = Parser.parse(source: text)
        let collector = Expansions(viewMode: .sourceAccurate)
        collector.walk(tree)
        let converter = SourceLocationConverter(fileName: "\(name).swift", tree: tree)
        let told = collector.diagnostics.sorted { $0.position < $1.position }.map { position, message in
            let location = converter.location(for: position)
            return "\(name).swift:\(location.line):\(location.column): error: \(message)"
        }
        let printed = SourceFile(name: "\(name).swift", text: text).messages.filter { $0.contains(": error: ") }
        #expect(Set(told) == Set(printed))
        #expect(printed.count > 20)
    }

    @Test("A mark that nothing reads is told to the compiler as to the printer")
    func looseMarks() throws {
        func told(_ source: String) throws -> [String] {
            let tree = Parser.parse(source: source)
            let group = try #require(tree.statements.first?.item.asProtocol((any DeclGroupSyntax).self))
            let member = try #require(group.memberBlock.members.first?.decl)
            let attributes = try #require(member.asProtocol((any WithAttributesSyntax).self)?.attributes)
            let context = BasicMacroExpansionContext(lexicalContext: Syntax(member).parent?.allMacroLexicalContexts() ?? [])
            for element in attributes {
                guard case .attribute(let attribute) = element else { continue }
                #expect(try FieldMark.expansion(of: attribute, providingPeersOf: member, in: context).isEmpty)
                #expect(try MethodMark.expansion(of: attribute, providingPeersOf: member, in: context).isEmpty)
            }
            return Set(context.diagnostics.map(\.message)).sorted()
        }
        #expect(try told("struct S { @Key(\"x\") var x: Int }") == ["'@Key' means nothing here without '@Shape' on the type"])
        #expect(try told("protocol P { @OneWay func f() }") == ["'@OneWay' means nothing here without '@Service' on the protocol"])
        #expect(try told("@Shape struct S { @Key(\"x\") var x: Int }") == [])
        #expect(try told("@SkerryMacros.Service protocol P { @OneWay func f() }") == [])
    }
}

/// Expands each marked declaration by the macros, as the compiler would ask them to.
private final class Expansions: SyntaxVisitor {
    private(set) var texts: [String] = []
    private(set) var diagnostics: [(position: AbsolutePosition, message: String)] = []

    private func expand(_ node: some DeclGroupSyntax) {
        for element in node.attributes {
            guard case .attribute(let attribute) = element, let name = attribute.attributeName.as(IdentifierTypeSyntax.self)?.name.text
            else {
                continue
            }
            let context = BasicMacroExpansionContext(lexicalContext: Syntax(node).parent?.allMacroLexicalContexts() ?? [])
            do {
                if name == "Shape" { try expandShape(node, attribute, context) }
                if name == "Service" { try expandService(node, attribute, context) }
            } catch {
                Issue.record(error)
            }
            diagnostics += context.diagnostics.map { ($0.position, $0.message) }
        }
    }

    private func path(_ name: String, _ context: BasicMacroExpansionContext) -> String {
        let outer = context.lexicalContext.reversed().compactMap { context in
            context.asProtocol((any NamedDeclSyntax).self)?.name.text
                ?? context.as(ExtensionDeclSyntax.self)?.extendedType.trimmedDescription
        }
        return (outer + [name]).joined(separator: ".")
    }

    private func expandShape(_ node: some DeclGroupSyntax, _ attribute: AttributeSyntax, _ context: BasicMacroExpansionContext) throws {
        let members = try ShapeMacro.expansion(of: attribute, providingMembersOf: node, conformingTo: [], in: context)
        let name = node.asProtocol((any NamedDeclSyntax).self)?.name.text ?? ""
        let type = Parser.parse(source: "let x: \(path(name, context))").statements.first?.item.as(VariableDeclSyntax.self)?.bindings.first?
            .typeAnnotation?.type
        let extensions = try ShapeMacro.expansion(
            of: attribute, attachedTo: node, providingExtensionsOf: #require(type),
            conformingTo: [TypeSyntax(IdentifierTypeSyntax(name: .identifier("Shaped")))], in: context)
        if members.isEmpty {
            #expect(extensions.isEmpty)
            return
        }
        let head = try #require(extensions.first).trimmedDescription
        #expect(head == "extension \(path(name, context)): SkerryCodec.Shaped {}")
        texts.append(head.dropLast() + "\n" + indented(members.map(\.description).joined(separator: "\n\n")) + "\n}")
    }

    private func expandService(_ node: some DeclGroupSyntax, _ attribute: AttributeSyntax, _ context: BasicMacroExpansionContext) throws {
        let peers = try ServiceMacro.expansion(of: attribute, providingPeersOf: node, in: context)
        if !peers.isEmpty {
            let outer = path("", context).dropLast()
            let text = peers.map(\.description).joined(separator: "\n\n")
            texts.append(outer.isEmpty ? text : "extension \(outer) {\n\(indented(text))\n}")
        }
        let name = node.asProtocol((any NamedDeclSyntax).self)?.name.text ?? ""
        let type = TypeSyntax(IdentifierTypeSyntax(name: .identifier(path(name, context))))
        let extensions = try ServiceMacro.expansion(
            of: attribute, attachedTo: node, providingExtensionsOf: type, conformingTo: [], in: context)
        for node in extensions {
            let members = node.memberBlock.members.map { $0.decl }
            let text = members.map { String($0.description.drop { $0 == "\n" }) }.joined(separator: "\n\n")
            texts.append("extension \(node.extendedType.trimmedDescription) {\n\(indented(text))\n}")
        }
    }

    private func indented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "    \($0)" }.joined(separator: "\n")
    }

    override func visit(_ node: StructDeclSyntax) -> SyntaxVisitorContinueKind {
        expand(node)
        return .visitChildren
    }
    override func visit(_ node: EnumDeclSyntax) -> SyntaxVisitorContinueKind {
        expand(node)
        return .visitChildren
    }
    override func visit(_ node: ClassDeclSyntax) -> SyntaxVisitorContinueKind {
        expand(node)
        return .visitChildren
    }
    override func visit(_ node: ActorDeclSyntax) -> SyntaxVisitorContinueKind {
        expand(node)
        return .visitChildren
    }
    override func visit(_ node: ProtocolDeclSyntax) -> SyntaxVisitorContinueKind {
        expand(node)
        return .visitChildren
    }
    override func visit(_ node: ExtensionDeclSyntax) -> SyntaxVisitorContinueKind {
        expand(node)
        return .visitChildren
    }
    override func visit(_ node: FunctionDeclSyntax) -> SyntaxVisitorContinueKind {
        for element in node.attributes {
            guard case .attribute(let attribute) = element, attribute.attributeName.trimmedDescription == "Service" else { continue }
            let context = BasicMacroExpansionContext(lexicalContext: [])
            _ = try? ServiceMacro.expansion(of: attribute, providingPeersOf: node, in: context)
            diagnostics += context.diagnostics.map { ($0.position, $0.message) }
        }
        return .visitChildren
    }
}
