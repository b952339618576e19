import SwiftParser
import SwiftSyntax

/// Reads a declaration marked `@Shape`, and says precisely what it cannot describe.
struct ShapeParser {
    private let surroundings: Surroundings
    private let annotation: AttributeSyntax
    private(set) var findings = Findings()

    /// - Parameters:
    ///   - annotation: the `@Shape` itself.
    ///   - surroundings: the declarations around.
    init(annotation: AttributeSyntax, surroundings: Surroundings) {
        self.annotation = annotation
        self.surroundings = surroundings
    }

    /// The declaration, or nil when ``findings`` say why not.
    mutating func parse(_ declaration: some DeclSyntaxProtocol) -> ShapeDeclaration? {
        if surroundings.isLocal {
            findings.error(.localDeclaration, at: annotation, "'@Shape' cannot describe a type declared inside a function: move it out")
            return nil
        }
        // Told by the expansion of each, for the compiler hands an attribute over cut out of its place.
        if let attributes = declaration.asProtocol((any WithAttributesSyntax).self)?.attributes {
            _ = Annotations(attributes).find("Shape", &findings)
        }
        let shape: ShapeDeclaration? =
            if let node = declaration.as(StructDeclSyntax.self) {
                parse(node)
            } else if let node = declaration.as(EnumDeclSyntax.self) {
                parse(node)
            } else {
                wrong(declaration)
            }
        return findings.count == 0 ? shape : nil
    }

    private mutating func wrong(_ declaration: some DeclSyntaxProtocol) -> ShapeDeclaration? {
        switch DeclSyntax(declaration).as(DeclSyntaxEnum.self) {
        case .classDecl(let node):
            findings.error(
                .wrongDeclaration, at: node.classKeyword, "'@Shape' describes values, and a class is an object: make it a struct",
                fix: .replace(node.classKeyword, with: "struct", "make '\(node.name.text)' a struct"))
        case .actorDecl(let node):
            findings.error(
                .wrongDeclaration, at: node.actorKeyword, "'@Shape' describes values, and an actor is an object: offer it as a '@Service'")
        case .protocolDecl(let node):
            findings.error(
                .wrongDeclaration, at: node.protocolKeyword, "'@Shape' describes structs and enums; for a protocol write '@Service'",
                fix: .replace(annotation.attributeName, with: "Service", "replace '@Shape' with '@Service'"))
        default:
            findings.error(.wrongDeclaration, at: annotation, "'@Shape' describes structs and enums")
        }
        return nil
    }

    /// The part that structs and enums share.
    private mutating func frame(
        _ name: TokenSyntax, _ modifiers: DeclModifierListSyntax, _ generics: GenericParameterClauseSyntax?,
        _ requirements: GenericWhereClauseSyntax?, documentation: Documentation
    ) -> ShapeDeclaration {
        var wireName = name.plainName
        if let own = Annotation(annotation), !own.arguments.isEmpty, let text = own.string(0, &findings) {
            if text.isEmpty { findings.error(.argumentInvalid, at: own.positional[0], "a shape needs a name") }
            wireName = text
        }
        let declared = surroundings.level(modifiers)
        return ShapeDeclaration(
            wireName: wireName, qualifiedName: surroundings.joined(name.text),
            access: min(declared, surroundings.access), documentation: documentation,
            shapedParameters: generics?.parameters.filter { Self.isShaped($0, requirements) }.map(\.name.text) ?? [],
            isInGenericContext: generics != nil || surroundings.isGeneric, structure: .variant([]), namespace: nil)
    }

    /// Whether the parameter is said to be `Shaped`, where it is declared or in the `where` clause.
    private static func isShaped(_ parameter: GenericParameterSyntax, _ requirements: GenericWhereClauseSyntax?) -> Bool {
        if mentionsShaped(parameter.inheritedType) { return true }
        return requirements?.requirements.contains { requirement in
            guard case .conformanceRequirement(let conformance) = requirement.requirement else { return false }
            return conformance.leftType.oneLine == parameter.name.text && mentionsShaped(conformance.rightType)
        } ?? false
    }

    private static func mentionsShaped(_ type: TypeSyntax?) -> Bool {
        type?.tokens(viewMode: .sourceAccurate).contains { $0.text == "Shaped" } ?? false
    }

    /// A generic parameter used in a field must be constrained, for the members stand in the type itself and cannot add a constraint.
    /// What a constraint implies is not visible here; the compiler checks it.
    private mutating func checkGenerics(
        _ generics: GenericParameterClauseSyntax?, _ requirements: GenericWhereClauseSyntax?, usedIn types: [TypeSyntax]
    ) {
        for parameter in generics?.parameters ?? [] {
            if let specifier = parameter.specifier {
                findings.error(
                    .unconstrainedGeneric, at: parameter,
                    "'@Shape' cannot describe a type with a '\(specifier.text)' parameter: write its 'Shaped' by hand")
                continue
            }
            let name = parameter.name.text
            let isUsed = types.contains { $0.tokens(viewMode: .sourceAccurate).contains { $0.text == name } }
            let isConstrained =
                parameter.inheritedType != nil
                || requirements?.requirements.contains { $0.tokens(viewMode: .sourceAccurate).contains { $0.text == name } } == true
            if isUsed && !isConstrained {
                findings.error(
                    .unconstrainedGeneric, at: parameter, "'\(name)' travels, so it must be 'Shaped'",
                    fix: .insert(": Shaped", after: parameter.name, "constrain '\(name)' to 'Shaped'"))
            }
        }
    }
}

// MARK: - Structs

extension ShapeParser {
    private static let fieldMarks = ["Key", "Default", "Via", "Omitted", "Attribute", "Text", "Flattened", "Element", "Namespace"]
    private static let xmlMarks = ["Attribute", "Text", "Flattened", "Element", "Namespace"]

    private mutating func parse(_ node: StructDeclSyntax) -> ShapeDeclaration {
        var shape = frame(
            node.name, node.modifiers, node.genericParameterClause, node.genericWhereClause, documentation: Documentation(of: node))
        let annotations = Annotations(node.attributes)
        annotations.refuse(
            ["Key", "Default", "Via", "Omitted", "Attribute", "Text", "Flattened", "Element"], "belongs to a property, not to a type",
            &findings)
        if let mark = annotations.find("Namespace", &findings) { shape.namespace = mark.string(0, &findings) }

        var properties = StoredProperties()
        var initialisers: [InitializerDeclSyntax] = []
        for member in node.memberBlock.members {
            switch member.decl.as(DeclSyntaxEnum.self) {
            case .variableDecl(let variable): collect(variable, into: &properties)
            case .initializerDecl(let initialiser): initialisers.append(initialiser)
            case .ifConfigDecl(let condition): refuseStored(in: condition)
            default: break
            }
        }
        checkKeys(properties.keys, what: "field")
        checkGenerics(node.genericParameterClause, node.genericWhereClause, usedIn: properties.types)
        if properties.fieldCount > Self.fieldsMaximum {
            findings.error(
                .argumentInvalid, at: node.name,
                "'\(node.name.text)' has \(properties.fieldCount) fields, and a record has at most \(Self.fieldsMaximum): group some of them"
            )
        }
        shape.structure = .record(
            ShapeDeclaration.Record(properties: properties.all, construction: construction(properties, initialisers)))
        return shape
    }

    /// As `Fields.countMaximum` of the codec.
    private static let fieldsMaximum = 128

    private struct StoredProperties {
        var all: [ShapeDeclaration.Property] = []
        /// Name and type of each, for comparing with initialisers.
        var signature: [(name: String, type: String)] = []
        var keys: [(key: String, node: Syntax)] = []
        /// The types that travel.
        var types: [TypeSyntax] = []
        var fieldCount: Int { keys.count }
    }

    private mutating func collect(_ variable: VariableDeclSyntax, into properties: inout StoredProperties) {
        let annotations = Annotations(variable.attributes)
        annotations.refuse(LooseMark.methodMarks, "belongs to a method of a '@Service'", &findings)
        if variable.modifiers.contains(where: { $0.name.tokenKind == .keyword(.static) }) {
            annotations.refuse(Self.fieldMarks, "belongs to a stored property, and this one is static", &findings)
            return
        }
        if let lazy = variable.modifiers.first(where: { $0.name.tokenKind == .keyword(.lazy) }) {
            findings.error(
                .unsupportedProperty, at: lazy, "a lazy property has no place in a shape: compute it, or store it plainly",
                fix: .remove(lazy, "remove 'lazy'"))
            return
        }
        for name in ["weak", "unowned"] {
            if let modifier = variable.modifiers.first(where: { $0.name.text == name }) {
                findings.error(.unsupportedProperty, at: modifier, "a '\(name)' property refers to an object, which has no shape")
                return
            }
        }
        let bindings = Array(variable.bindings)
        if bindings.count > 1, let mark = annotations.find("Key", &findings) {
            findings.error(.misplacedAttribute, at: mark.node, "'@Key' names one field, and several are declared here: declare them apart")
            return
        }
        for (index, binding) in bindings.enumerated() {
            // `var a, b: Int` gives both the type behind the last.
            let annotation = binding.typeAnnotation ?? bindings[index...].first { $0.typeAnnotation != nil }?.typeAnnotation
            collect(binding, annotation, of: variable, annotations, into: &properties)
        }
    }

    private mutating func collect(
        _ binding: PatternBindingSyntax, _ annotation: TypeAnnotationSyntax?, of variable: VariableDeclSyntax, _ annotations: Annotations,
        into properties: inout StoredProperties
    ) {
        if Self.isComputed(binding) {
            annotations.refuse(Self.fieldMarks, "belongs to a stored property, and this one is computed", &findings)
            return
        }
        guard let pattern = binding.pattern.as(IdentifierPatternSyntax.self) else {
            findings.error(.unsupportedProperty, at: binding.pattern, "a shape needs one name a property: declare these apart")
            return
        }
        let name = pattern.identifier
        guard let annotation else {
            missingType(name, binding)
            return
        }
        let isConstant = variable.bindingSpecifier.tokenKind == .keyword(.let)
        if isConstant, let initializer = binding.initializer {
            let hint = annotations.contains("Omitted") ? "" : ": make it 'static let' when it is the same for all, or 'var'"
            if !hint.isEmpty {
                findings.error(
                    .constantWithValue, at: initializer, "'\(name.text)' has its value already, so reading could not set it\(hint)",
                    fix: .replace(variable.bindingSpecifier, with: "var", "make '\(name.text)' a variable"))
            }
            return
        }
        properties.signature.append((name.plainName, annotation.type.oneLine))
        if let mark = annotations.find("Omitted", &findings) {
            omit(name, annotation.type, binding, isConstant: isConstant, mark, annotations, into: &properties)
            return
        }
        let checked = annotations.contains("Via") || TypeChecker.check(annotation.type, of: "property '\(name.plainName)'", &findings)
        guard checked else { return }
        let field = field(name, annotation.type, binding, variable, annotations)
        properties.all.append(.field(field))
        properties.keys.append((field.key, Syntax(name)))
        properties.types.append(annotation.type)
    }

    private mutating func field(
        _ name: TokenSyntax, _ type: TypeSyntax, _ binding: PatternBindingSyntax, _ variable: VariableDeclSyntax, _ annotations: Annotations
    ) -> ShapeField {
        var key = name.plainName
        if let mark = annotations.find("Key", &findings) {
            key = self.key(mark) ?? key
        }
        var field = ShapeField(
            name: name.text, key: key, type: TypeText(type), defaultValue: binding.initializer?.value.oneLine, via: nil,
            documentation: Documentation(of: variable), xml: xml(annotations, type))
        if let mark = annotations.find("Default", &findings) {
            if let value = mark.positional.first {
                field.defaultValue = value.oneLine
            } else {
                findings.error(.argumentInvalid, at: mark.node, "'@Default' needs the value")
            }
        }
        if let mark = annotations.find("Via", &findings) {
            if let type = mark.positional.first {
                field.via = Annotation.metatype(type, of: "Via", &findings)
            } else {
                findings.error(.argumentInvalid, at: mark.node, "'@Via' needs a type written as 'Name.self'")
            }
        }
        return field
    }

    private mutating func omit(
        _ name: TokenSyntax, _ type: TypeSyntax, _ binding: PatternBindingSyntax, isConstant: Bool, _ mark: Annotation,
        _ annotations: Annotations, into properties: inout StoredProperties
    ) {
        annotations.refuse(
            Self.fieldMarks.filter { $0 != "Omitted" && $0 != "Default" }, "says how a property travels, and this one does not", &findings)
        let given = annotations.find("Default", &findings)?.positional.first?.oneLine ?? binding.initializer?.value.oneLine
        guard let value = given ?? (TypeText(type).isOptional && !isConstant ? "nil" : nil) else {
            findings.error(
                .omittedWithoutDefault, at: mark.node, "'\(name.plainName)' does not travel, so reading needs a value for it",
                fix: .insert(" = <#value#>", after: type, "give '\(name.plainName)' a value"))
            return
        }
        properties.all.append(.omitted(name: name.text, value: value))
    }

    private mutating func missingType(_ name: TokenSyntax, _ binding: PatternBindingSyntax) {
        let guess: String? =
            switch binding.initializer?.value.as(ExprSyntaxEnum.self) {
            case .integerLiteralExpr: "Int"
            case .floatLiteralExpr: "Double"
            case .booleanLiteralExpr: "Bool"
            case .stringLiteralExpr: "String"
            default: nil
            }
        findings.error(
            .missingType, at: name, "'\(name.plainName)' needs its type written out: the generator sees syntax, not types",
            fix: guess.map { .insert(": \($0)", after: name, "write ': \($0)'") })
    }

    /// True for a property without storage: it has a getter, which observers are not.
    static func isComputed(_ binding: PatternBindingSyntax) -> Bool {
        switch binding.accessorBlock?.accessors {
        case .getter: true
        case .accessors(let list):
            list.contains { !["willSet", "didSet"].contains($0.accessorSpecifier.text) }
        case nil: false
        }
    }

    private mutating func refuseStored(in condition: IfConfigDeclSyntax) {
        for clause in condition.clauses {
            guard case .decls(let members)? = clause.elements else { continue }
            for member in members {
                if let variable = member.decl.as(VariableDeclSyntax.self),
                    !variable.modifiers.contains(where: { $0.name.tokenKind == .keyword(.static) }),
                    variable.bindings.contains(where: { !Self.isComputed($0) })
                {
                    conditional(variable)
                } else if let enumCase = member.decl.as(EnumCaseDeclSyntax.self) {
                    conditional(enumCase)
                } else if let inner = member.decl.as(IfConfigDeclSyntax.self) {
                    refuseStored(in: inner)
                }
            }
        }
    }

    private mutating func conditional(_ node: some SyntaxProtocol) {
        findings.error(
            .conditionalMember, at: node, "a shape cannot depend on '#if': the two sides of a wire may be built differently")
    }
}

// MARK: - Construction

extension ShapeParser {
    private func construction(_ properties: StoredProperties, _ initialisers: [InitializerDeclSyntax]) -> ShapeDeclaration.Construction {
        if initialisers.isEmpty { return .memberwise }
        let matches = initialisers.contains { initialiser in
            let parameters = Array(initialiser.signature.parameterClause.parameters)
            return initialiser.optionalMark == nil && initialiser.signature.effectSpecifiers == nil
                && initialiser.genericParameterClause == nil && parameters.count == properties.signature.count
                && zip(parameters, properties.signature).allSatisfy {
                    $0.firstName.plainName == $1.name && $0.type.oneLine == $1.type
                }
        }
        return matches ? .memberwise : .emitted
    }
}

// MARK: - Attributes of fields

extension ShapeParser {
    private mutating func key(_ mark: Annotation) -> String? {
        guard let key = mark.string(0, &findings) else { return nil }
        if key.isEmpty { findings.error(.argumentInvalid, at: mark.positional[0], "a key needs at least one character") }
        if key.utf8.count > 65_535 { findings.error(.argumentInvalid, at: mark.positional[0], "a key has at most 65,535 bytes") }
        return key
    }

    private mutating func xml(_ annotations: Annotations, _ type: TypeSyntax) -> XMLMarks {
        var marks = XMLMarks()
        let attribute = annotations.find("Attribute", &findings)
        let text = annotations.find("Text", &findings)
        let flattened = annotations.find("Flattened", &findings)
        let element = annotations.find("Element", &findings)
        marks.isAttribute = attribute != nil
        marks.isText = text != nil
        marks.isFlattened = flattened != nil
        if let element { marks.element = element.string(0, &findings) }
        if let mark = annotations.find("Namespace", &findings) { marks.namespace = mark.string(0, &findings) }
        let places = [attribute, text, flattened].compactMap { $0 }
        if places.count > 1 {
            findings.error(
                .conflictingAttributes, at: places[1].node,
                "'@\(places[1].name)' and '@\(places[0].name)' both say where XML writes the field; keep one")
        }
        if let flattened, let element {
            findings.error(
                .conflictingAttributes, at: element.node,
                "the elements of a flattened list stand under the field's own key, so '@Element' means nothing here",
                fix: .remove(flattened.node, "remove '@Flattened'"))
        }
        if !TypeText(type).isList, let mark = flattened ?? element, Self.surelyNoList(type) {
            findings.error(.misplacedAttribute, at: mark.node, "'@\(mark.name)' belongs to a list, and this is '\(type.oneLine)'")
        }
        return marks
    }

    /// True for types known by name that hold one value.
    private static func surelyNoList(_ type: TypeSyntax) -> Bool {
        let text = TypeText(type)
        let plain = text.wrapped ?? text.text
        return [
            "Bool", "String", "Int", "Int8", "Int16", "Int32", "Int64", "UInt", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double",
        ]
        .contains(plain)
    }

    private mutating func checkKeys(_ keys: [(key: String, node: Syntax)], what: String) {
        var seen: [String: Syntax] = [:]
        for (key, node) in keys {
            if let first = seen[key] {
                findings.error(
                    .duplicateKey, at: node, "two \(what)s travel as \"\(key)\"", see: (first, "the first is here"))
            } else {
                seen[key] = node
            }
        }
    }
}

// MARK: - Enums

extension ShapeParser {
    private static let integerTypes: Set<String> = [
        "Int", "Int8", "Int16", "Int32", "Int64", "UInt", "UInt8", "UInt16", "UInt32", "UInt64",
    ]

    private mutating func parse(_ node: EnumDeclSyntax) -> ShapeDeclaration {
        var shape = frame(
            node.name, node.modifiers, node.genericParameterClause, node.genericWhereClause, documentation: Documentation(of: node))
        Annotations(node.attributes).refuse(Self.fieldMarks, "means nothing on an enum", &findings)
        var cases: [(element: EnumCaseElementSyntax, declaration: EnumCaseDeclSyntax)] = []
        for member in node.memberBlock.members {
            if let declaration = member.decl.as(EnumCaseDeclSyntax.self) {
                for element in declaration.elements { cases.append((element, declaration)) }
            } else if let condition = member.decl.as(IfConfigDeclSyntax.self) {
                refuseStored(in: condition)
            }
        }
        if cases.isEmpty {
            findings.error(.noCases, at: node.name, "'\(node.name.text)' has no cases, so there is nothing to describe")
            return shape
        }
        checkReservedNames(cases.map(\.element))
        checkGenerics(
            node.genericParameterClause, node.genericWhereClause,
            usedIn: cases.flatMap { $0.element.parameterClause?.parameters.map(\.type) ?? [] })
        if let raw = rawType(node, cases.map(\.element)) {
            shape.structure = .raw(type: raw, cases: rawCases(cases, isText: raw == "String"))
        } else {
            shape.structure = .variant(variantCases(cases))
        }
        return shape
    }

    /// Cases and static members share one space of names.
    private mutating func checkReservedNames(_ elements: [EnumCaseElementSyntax]) {
        for element in elements where Self.reservedNames.contains(element.name.plainName) {
            let name = element.name.plainName
            findings.error(
                .reservedName, at: element.name,
                "'\(name)' is the name of a static member that '@Shape' writes; call the case otherwise and keep the wire name by '@Key'")
        }
    }

    private static let reservedNames: Set<String> = ["shape", "cases", "absent", "isNullable", "isTextual"]

    /// The raw type by its name, as far as syntax tells; nil for an enum without one.
    private mutating func rawType(_ node: EnumDeclSyntax, _ cases: [EnumCaseElementSyntax]) -> String? {
        guard let first = node.inheritanceClause?.inheritedTypes.first else { return nil }
        let name = first.type.oneLine
        if name == "String" || Self.integerTypes.contains(name) { return name }
        if ["Double", "Float", "Character", "Float16", "Unicode.Scalar", "Int128", "UInt128"].contains(name) {
            findings.error(
                .unsupportedRawType, at: first.type, "raw values of type '\(name)' do not travel; use 'String' or an integer type")
            return nil
        }
        if let value = cases.lazy.compactMap(\.rawValue).first {
            findings.error(
                .unsupportedRawType, at: first.type,
                "the generator sees syntax, not types: name the raw type itself ('String' or an integer type) rather than '\(name)'",
                see: (Syntax(value), "a raw value is given here"))
        }
        return nil
    }

    private mutating func rawCases(
        _ cases: [(element: EnumCaseElementSyntax, declaration: EnumCaseDeclSyntax)], isText: Bool
    ) -> [ShapeDeclaration.RawCase] {
        var next = 0
        return cases.map { element, declaration in
            Annotations(declaration.attributes).refuse(
                Self.fieldMarks, "means nothing here: what travels is the raw value", &findings)
            var value = isText ? element.name.plainName : String(next)
            if let raw = element.rawValue?.value {
                if let literal = raw.as(StringLiteralExprSyntax.self)?.representedLiteralValue {
                    value = literal
                } else if let number = Self.integer(raw) {
                    value = String(number)
                    next = number
                } else {
                    value = raw.oneLine
                }
            }
            next += 1
            return ShapeDeclaration.RawCase(name: element.name.text, value: value, documentation: Documentation(of: declaration))
        }
    }

    private static func integer(_ expression: ExprSyntax) -> Int? {
        if let literal = expression.as(IntegerLiteralExprSyntax.self) { return literal.representedLiteralValue }
        guard let prefix = expression.as(PrefixOperatorExprSyntax.self), prefix.operator.text == "-" else { return nil }
        return prefix.expression.as(IntegerLiteralExprSyntax.self)?.representedLiteralValue.map { -$0 }
    }

    private mutating func variantCases(
        _ cases: [(element: EnumCaseElementSyntax, declaration: EnumCaseDeclSyntax)]
    ) -> [ShapeDeclaration.VariantCase] {
        var keys: [(key: String, node: Syntax)] = []
        let parsed = cases.map { element, declaration in
            let annotations = Annotations(declaration.attributes)
            annotations.refuse(Self.fieldMarks.filter { $0 != "Key" }, "means nothing on a case", &findings)
            var key = element.name.plainName
            if let mark = annotations.find("Key", &findings) {
                if declaration.elements.count == 1 {
                    key = self.key(mark) ?? key
                } else if element == declaration.elements.first {
                    findings.error(
                        .misplacedAttribute, at: mark.node, "'@Key' names one case, and several are declared here: declare them apart")
                }
            }
            keys.append((key, Syntax(element.name)))
            return ShapeDeclaration.VariantCase(
                name: element.name.text, key: key, documentation: Documentation(of: declaration), payload: payload(element))
        }
        checkKeys(keys, what: "case")
        return parsed
    }

    private mutating func payload(_ element: EnumCaseElementSyntax) -> ShapeDeclaration.Payload {
        let parameters = Array(element.parameterClause?.parameters ?? [])
        if parameters.isEmpty { return .none }
        var keys: [(key: String, node: Syntax)] = []
        var fields: [ShapeField] = []
        for (index, parameter) in parameters.enumerated() {
            let label = parameter.firstName.flatMap { $0.tokenKind == .wildcard ? nil : $0 }
            let key = label?.plainName ?? "_\(index)"
            guard TypeChecker.check(parameter.type, of: "case '\(element.name.plainName)'", &findings) else { continue }
            keys.append((key, label.map { Syntax($0) } ?? Syntax(parameter)))
            fields.append(
                ShapeField(
                    name: label?.text ?? "_\(index)", isLabelled: label != nil, key: key, type: TypeText(parameter.type),
                    defaultValue: parameter.defaultValue?.value.oneLine,
                    via: nil, documentation: Documentation(), xml: XMLMarks()))
        }
        checkKeys(keys, what: "value")
        if fields.count == 1, !fields[0].isLabelled { return .single(fields[0].type) }
        return .fields(fields)
    }
}
