import SwiftSyntax

/// A type as the generator sees it: text, and the little that syntax tells about it.
package struct TypeText: Hashable, Sendable {
    /// The type on one line, as written.
    package let text: String
    /// The type inside, when it is written `T?` or `Optional<T>`.
    package let wrapped: String?
    /// True for `[T]`, `Array<T>`, `Set<T>` and their like.
    package let isList: Bool

    init(_ type: TypeSyntax) {
        text = type.oneLine
        wrapped = Self.wrapped(type)
        isList = Self.isList(type)
    }

    init(text: String) {
        self.text = text
        wrapped = nil
        isList = false
    }

    /// No value: what a function without `->` returns.
    package static let void = TypeText(text: "Void")

    package var isOptional: Bool { wrapped != nil }
    package var isVoid: Bool { text == "Void" || text == "()" || text == "Swift.Void" }

    private static func wrapped(_ type: TypeSyntax) -> String? {
        if let optional = type.as(OptionalTypeSyntax.self) { return optional.wrappedType.oneLine }
        guard let name = type.as(IdentifierTypeSyntax.self), name.name.text == "Optional",
            case .type(let argument)? = name.genericArgumentClause?.arguments.first?.argument
        else { return nil }
        return argument.oneLine
    }

    private static func isList(_ type: TypeSyntax) -> Bool {
        if type.is(ArrayTypeSyntax.self) { return true }
        guard let name = type.as(IdentifierTypeSyntax.self) else { return false }
        return ["Array", "ContiguousArray", "Set"].contains(name.name.text)
    }
}

// MARK: - Types that have no shape

/// Finds, in a type, the parts that can never cross a wire, and says what to write instead.
enum TypeChecker {
    /// Checks `type`, which belongs to `subject`, such as "property 'size'". True when nothing was found.
    static func check(_ type: TypeSyntax, of subject: String, allowingVoid: Bool = false, _ findings: inout Findings) -> Bool {
        if allowingVoid, TypeText(type).isVoid { return true }
        let before = findings.count
        visit(type, of: subject, &findings)
        return findings.count == before
    }

    private static func visit(_ type: TypeSyntax, of subject: String, _ findings: inout Findings) {
        func refuse(_ message: String, fix: Edit? = nil) {
            findings.error(.unsupportedType, at: type, "\(subject): \(message)", fix: fix)
        }
        switch type.as(TypeSyntaxEnum.self) {
        case .tupleType(let tuple):
            if tuple.elements.count == 1, let only = tuple.elements.first, only.firstName == nil {
                visit(only.type, of: subject, &findings)
            } else {
                refuse("a tuple has no shape; declare a '@Shape struct' with these fields")
            }
        case .functionType:
            refuse("a function cannot cross a wire; pass a service or the sending end of a channel")
        case .someOrAnyType(let constrained):
            let word = constrained.someOrAnySpecifier.text
            refuse("'\(word)' hides which shape it is; name one type, or for a service its client")
        case .implicitlyUnwrappedOptionalType(let unwrapped):
            refuse(
                "an implicitly unwrapped optional has no shape; write '?'",
                fix: .replace(unwrapped.exclamationMark, with: "?", "replace '!' with '?'"))
        case .metatypeType:
            refuse("a type itself cannot cross a wire")
        case .compositionType:
            refuse("a composition of protocols has no shape; name one type")
        case .identifierType(let name):
            visit(name, of: subject, &findings)
        case .memberType(let member):
            visitArguments(member.genericArgumentClause, of: subject, &findings)
        case .arrayType(let array):
            visit(array.element, of: subject, &findings)
        case .dictionaryType(let dictionary):
            visit(dictionary.key, of: subject, &findings)
            visit(dictionary.value, of: subject, &findings)
        case .optionalType(let optional):
            visit(optional.wrappedType, of: subject, &findings)
        case .attributedType(let attributed):
            visit(attributed.baseType, of: subject, &findings)
        default:
            break
        }
    }

    private static func visit(_ name: IdentifierTypeSyntax, of subject: String, _ findings: inout Findings) {
        let hint: String? =
            switch name.name.text {
            case "Any", "AnyObject", "AnyHashable": "'\(name.name.text)' has no shape; name one type, or use 'Value' for data of any shape"
            case "Void": "'Void' carries nothing"
            case "Never": "'Never' has no value"
            default: nil
            }
        if let hint { findings.error(.unsupportedType, at: name, "\(subject): \(hint)") }
        visitArguments(name.genericArgumentClause, of: subject, &findings)
    }

    private static func visitArguments(_ clause: GenericArgumentClauseSyntax?, of subject: String, _ findings: inout Findings) {
        for argument in clause?.arguments ?? [] {
            if case .type(let type) = argument.argument { visit(type, of: subject, &findings) }
        }
    }
}
