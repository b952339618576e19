import SwiftParser
import SwiftSyntax

/// One attribute of a declaration, such as `@Key("name")`.
struct Annotation {
    /// The name without `@` and without the module before it.
    let name: String
    let node: AttributeSyntax

    init?(_ node: AttributeSyntax) {
        if let identifier = node.attributeName.as(IdentifierTypeSyntax.self) {
            name = identifier.name.text
        } else if let member = node.attributeName.as(MemberTypeSyntax.self) {
            name = member.name.text
        } else {
            return nil
        }
        self.node = node
    }

    /// The arguments in the order written.
    var arguments: [LabeledExprSyntax] {
        if case .argumentList(let list)? = node.arguments { Array(list) } else { [] }
    }

    /// The arguments without a label.
    var positional: [ExprSyntax] {
        arguments.filter { $0.label == nil }.map(\.expression)
    }

    /// The arguments under `label`: `errors: A.self, B.self` puts both there.
    func arguments(under label: String) -> [ExprSyntax] {
        var found: [ExprSyntax] = []
        var inside = false
        for argument in arguments {
            if let name = argument.label { inside = name.text == label }
            if inside { found.append(argument.expression) }
        }
        return found
    }
}

/// The attributes of one declaration that mean something to the generator.
struct Annotations {
    private(set) var all: [Annotation]

    init(_ list: AttributeListSyntax) {
        all = list.compactMap { element in
            if case .attribute(let node) = element { Annotation(node) } else { nil }
        }
    }

    /// The attribute `name`. A second one is an error.
    func find(_ name: String, _ findings: inout Findings) -> Annotation? {
        let found = all.filter { $0.name == name }
        if found.count > 1 {
            findings.error(
                .repeatedAttribute, at: found[1].node, "'@\(name)' stands here twice",
                fix: .remove(found[1].node, "remove the second '@\(name)'"))
        }
        return found.first
    }

    func contains(_ name: String) -> Bool {
        all.contains { $0.name == name }
    }

    /// Refuses each of `names` that stands here, saying why it means nothing.
    func refuse(_ names: some Collection<String>, _ reason: String, _ findings: inout Findings) {
        for annotation in all where names.contains(annotation.name) {
            findings.error(
                .misplacedAttribute, at: annotation.node, "'@\(annotation.name)' \(reason)",
                fix: .remove(annotation.node, "remove '@\(annotation.name)'"))
        }
    }
}

// MARK: - Arguments that must be literals

extension Annotation {
    /// The text of argument `index` among those without a label: a plain string literal, because its value becomes part of the wire
    /// contract and the generator sees only syntax.
    func string(_ index: Int = 0, _ findings: inout Findings) -> String? {
        guard positional.indices.contains(index) else {
            findings.error(.argumentInvalid, at: node, "'@\(name)' needs a name in quotation marks")
            return nil
        }
        return Self.string(positional[index], of: name, &findings)
    }

    static func string(_ expression: ExprSyntax, of name: String, _ findings: inout Findings) -> String? {
        guard let literal = expression.as(StringLiteralExprSyntax.self), let value = literal.representedLiteralValue else {
            findings.error(
                .argumentNotLiteral, at: expression, "'@\(name)' needs a string literal: the generator sees syntax, not values")
            return nil
        }
        return value
    }

    /// The whole number at argument `index` among those without a label.
    func integer(_ index: Int = 0, _ findings: inout Findings) -> Int? {
        guard positional.indices.contains(index) else {
            findings.error(.argumentInvalid, at: node, "'@\(name)' needs a number")
            return nil
        }
        return Self.integer(positional[index], of: name, &findings)
    }

    static func integer(_ expression: ExprSyntax, of name: String, _ findings: inout Findings) -> Int? {
        guard let literal = expression.as(IntegerLiteralExprSyntax.self), let value = literal.representedLiteralValue else {
            findings.error(
                .argumentNotLiteral, at: expression, "'@\(name)' needs an integer literal: the generator sees syntax, not values")
            return nil
        }
        return value
    }

    /// The type in an argument of the form `Name.self`.
    static func metatype(_ expression: ExprSyntax, of name: String, _ findings: inout Findings) -> String? {
        guard let member = expression.as(MemberAccessExprSyntax.self), member.declName.baseName.tokenKind == .keyword(.self),
            let base = member.base
        else {
            findings.error(.argumentNotLiteral, at: expression, "'@\(name)' needs a type written as 'Name.self'")
            return nil
        }
        return base.oneLine
    }
}

// MARK: - Text

extension SyntaxProtocol {
    /// The source of the node on one line: tokens as written, comments gone, any run of space one space.
    var oneLine: String {
        var text = ""
        var previous: TokenSyntax?
        for token in tokens(viewMode: .sourceAccurate) {
            if let previous {
                let gap = previous.trailingTrivia.isEmpty && token.leadingTrivia.isEmpty
                text += gap ? "" : Self.separator(previous.tokenKind, token.tokenKind)
            }
            text += token.text
            previous = token
        }
        return text
    }

    /// A line break inside brackets is layout, so it vanishes beside them; elsewhere space stays.
    private static func separator(_ left: TokenKind, _ right: TokenKind) -> String {
        switch (left, right) {
        case (.leftParen, _), (.leftSquare, _), (.leftAngle, _), (_, .rightParen), (_, .rightSquare), (_, .rightAngle), (_, .comma): ""
        default: " "
        }
    }
}

extension TokenSyntax {
    /// The name without backticks.
    var plainName: String {
        text.count > 2 && text.first == "`" && text.last == "`" ? String(text.dropFirst().dropLast()) : text
    }
}
