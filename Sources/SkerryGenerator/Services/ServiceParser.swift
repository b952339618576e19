import SwiftParser
import SwiftSyntax

/// Reads a protocol marked `@Service`, and says precisely what cannot be called from afar.
struct ServiceParser {
    let surroundings: Surroundings
    let annotation: AttributeSyntax
    var findings = Findings()

    /// - Parameters:
    ///   - annotation: the `@Service` itself.
    ///   - surroundings: the declarations around.
    init(annotation: AttributeSyntax, surroundings: Surroundings) {
        self.annotation = annotation
        self.surroundings = surroundings
    }

    /// The declaration, or nil when ``findings`` say why not.
    mutating func parse(_ declaration: some DeclSyntaxProtocol) -> ServiceDeclaration? {
        guard let node = declaration.as(ProtocolDeclSyntax.self) else {
            wrong(declaration)
            return nil
        }
        if surroundings.isLocal {
            findings.error(
                .localDeclaration, at: annotation, "'@Service' cannot describe a protocol declared inside a function: move it out")
            return nil
        }
        _ = Annotations(node.attributes).find("Service", &findings)
        checkHead(node)
        var service = ServiceDeclaration(
            name: node.name.plainName, qualifiedName: surroundings.joined(node.name.text), wireName: node.name.plainName,
            access: min(surroundings.level(node.modifiers), surroundings.access), documentation: Documentation(of: node), version: 1,
            isSerial: Annotations(node.attributes).find("Serial", &findings) != nil, errors: [], methods: [])
        readArguments(into: &service)
        service.methods = methods(of: node)
        checkVersions(node, service)
        return findings.count == 0 ? service : nil
    }

    private mutating func wrong(_ declaration: some DeclSyntaxProtocol) {
        switch DeclSyntax(declaration).as(DeclSyntaxEnum.self) {
        case .classDecl(let node): wrong(node.classKeyword, "class", node.name.text)
        case .structDecl(let node): wrong(node.structKeyword, "struct", node.name.text)
        case .enumDecl(let node): wrong(node.enumKeyword, "enum", node.name.text)
        case .actorDecl(let node): wrong(node.actorKeyword, "actor", node.name.text)
        default: findings.error(.wrongDeclaration, at: annotation, "'@Service' describes a protocol")
        }
    }

    private mutating func wrong(_ keyword: TokenSyntax, _ kind: String, _ name: String) {
        findings.error(
            .wrongDeclaration, at: keyword,
            "'@Service' describes a protocol, which the \(kind) '\(name)' may then implement: move its methods into one")
    }

    private mutating func checkHead(_ node: ProtocolDeclSyntax) {
        if let clause = node.primaryAssociatedTypeClause {
            findings.error(
                .unsupportedRequirement, at: clause, "a service has no associated types: what crosses the wire must be known beforehand")
        }
        guard let clause = node.inheritanceClause else {
            findings.error(
                .notSendable, at: node.name, "'\(node.name.text)' is called from any task, so it must be 'Sendable'",
                fix: .insert(": Sendable", after: node.name, "write ': Sendable'"))
            return
        }
        if let base = clause.inheritedTypes.first(where: { $0.type.oneLine == "AnyObject" || $0.type.oneLine == "Actor" }) {
            findings.error(
                .wrongDeclaration, at: base,
                "a service may not demand '\(base.type.oneLine)': its client is a struct. An implementation may still be one")
        }
    }

    private mutating func readArguments(into service: inout ServiceDeclaration) {
        guard let own = Annotation(annotation) else { return }
        if !own.positional.isEmpty, own.arguments.first?.label == nil, let name = own.string(0, &findings) {
            if name.isEmpty { findings.error(.argumentInvalid, at: own.positional[0], "a service needs a name") }
            service.wireName = name
        }
        for expression in own.arguments(under: "errors") {
            if let type = Annotation.metatype(expression, of: "Service", &findings) { service.errors.append(type) }
        }
        if let expression = own.arguments(under: "version").first, let version = Annotation.integer(expression, of: "Service", &findings) {
            if version < 1 { findings.error(.argumentInvalid, at: expression, "versions count from 1") }
            service.version = version
        }
    }

    private mutating func checkVersions(_ node: ProtocolDeclSyntax, _ service: ServiceDeclaration) {
        for member in node.memberBlock.members {
            guard let function = member.decl.as(FunctionDeclSyntax.self),
                let mark = Annotations(function.attributes).all.first(where: { $0.name == "Until" }),
                let until = mark.positional.first?.as(IntegerLiteralExprSyntax.self)?.representedLiteralValue,
                until < service.version
            else { continue }
            findings.error(
                .argumentInvalid, at: mark.node,
                "'\(function.name.text)' ended with version \(until), and this is version \(service.version): remove it")
        }
    }
}

// MARK: - Members

extension ServiceParser {
    private mutating func methods(of node: ProtocolDeclSyntax) -> [ServiceMethodDeclaration] {
        var methods: [ServiceMethodDeclaration] = []
        var nodes: [FunctionDeclSyntax] = []
        for member in node.memberBlock.members {
            if let function = member.decl.as(FunctionDeclSyntax.self) {
                if let method = method(function) {
                    methods.append(method)
                    nodes.append(function)
                }
            } else {
                refuse(member.decl)
            }
        }
        checkWireNames(methods, nodes)
        checkRoutes(methods, nodes)
        checkPromises(methods, nodes)
        nameConstants(&methods)
        return methods
    }

    /// Where methods return references the client has a member for them.
    private mutating func checkPromises(_ methods: [ServiceMethodDeclaration], _ nodes: [FunctionDeclSyntax]) {
        guard methods.contains(where: \.returnsReference) else { return }
        for (method, node) in zip(methods, nodes) where method.name.plain == "promise" && method.parameters.isEmpty {
            findings.error(
                .reservedName, at: node.name,
                "the client has a member 'promise' of its own; call the method otherwise and keep the wire name by '@Wire'")
        }
    }

    private mutating func refuse(_ member: DeclSyntax) {
        switch member.as(DeclSyntaxEnum.self) {
        case .variableDecl(let variable):
            let name = variable.bindings.first?.pattern.oneLine ?? "property"
            let type = variable.bindings.first?.typeAnnotation?.type.oneLine ?? "Value"
            findings.error(
                .unsupportedRequirement, at: variable.bindingSpecifier, "a service has methods only: asking takes time and may fail",
                fix: .replace(variable, with: "func \(name)() async throws -> \(type)", "make '\(name)' a method"))
        case .subscriptDecl(let node):
            findings.error(.unsupportedRequirement, at: node.subscriptKeyword, "a service has methods only, no subscripts")
        case .initializerDecl(let node):
            findings.error(.unsupportedRequirement, at: node.initKeyword, "a service is reached, not made: use a method that returns one")
        case .associatedTypeDecl(let node):
            findings.error(
                .unsupportedRequirement, at: node.associatedtypeKeyword,
                "a service has no associated types: what crosses the wire must be known beforehand")
        case .ifConfigDecl(let node):
            findings.error(
                .conditionalMember, at: node, "a service cannot depend on '#if': the two sides of a wire may be built differently")
        default:
            break
        }
    }

    /// Names of members that the client, its base protocol or every value has.
    private static let reservedMethods: Set<String> = ["reference", "local", "shape", "write", "isAbsent", "init"]

    private mutating func method(_ node: FunctionDeclSyntax) -> ServiceMethodDeclaration? {
        let before = findings.count
        checkSignature(node)
        let annotations = Annotations(node.attributes)
        let parameters = parameters(of: node, annotations)
        let result = node.signature.returnClause?.type
        if let result { checkNames(in: result) }
        if let result { _ = TypeChecker.check(result, of: "result of '\(node.name.plainName)'", allowingVoid: true, &findings) }
        var method = ServiceMethodDeclaration(
            name: node.name.text, fullName: Self.fullName(node), wireName: node.name.plainName, constant: "",
            documentation: Documentation(of: node), parameters: parameters, result: result.map { TypeText($0) } ?? .void, options: [],
            until: nil, route: nil)
        readAnnotations(annotations, node, into: &method)
        return findings.count == before ? method : nil
    }

    private static func fullName(_ node: FunctionDeclSyntax) -> String {
        let labels = node.signature.parameterClause.parameters.map { $0.firstName.plainName + ":" }
        return "\(node.name.plainName)(\(labels.joined()))"
    }

    private mutating func checkSignature(_ node: FunctionDeclSyntax) {
        let name = node.name.plainName
        if case .identifier = node.name.tokenKind {
        } else {
            findings.error(.unsupportedRequirement, at: node.name, "an operator cannot be called from afar")
        }
        if Self.reservedMethods.contains(name) {
            findings.error(
                .reservedName, at: node.name,
                "the client has a member '\(name)' of its own; call the method otherwise and keep the wire name by '@Wire'")
        }
        for modifier in node.modifiers where ["static", "class", "mutating", "nonmutating"].contains(modifier.name.text) {
            findings.error(
                .unsupportedRequirement, at: modifier,
                "a method of a service is called on a reference, so it cannot be '\(modifier.name.text)'",
                fix: .remove(modifier, "remove '\(modifier.name.text)'"))
        }
        if let clause = node.genericParameterClause {
            findings.error(.genericMethod, at: clause, "'\(name)' cannot be generic: what crosses the wire must be known beforehand")
        }
        checkEffects(node)
    }

    private mutating func checkEffects(_ node: FunctionDeclSyntax) {
        let effects = node.signature.effectSpecifiers
        let throwing = effects?.throwsClause
        let name = node.name.plainName
        if effects?.asyncSpecifier == nil || throwing == nil {
            let parameters = node.signature.parameterClause
            let fix: Edit =
                if let effects, let throwing {
                    Edit.insert("async ", before: throwing, "write 'async throws'").covering(effects)
                } else if let effects {
                    .insert(" throws", after: effects, "write 'async throws'")
                } else {
                    .insert(" async throws", after: parameters, "write 'async throws'")
                }
            findings.error(
                .notAsyncThrows, at: node.name, "'\(name)' must be 'async throws': a call takes time and may fail on its way", fix: fix)
            return
        }
        guard let throwing else { return }
        if throwing.throwsSpecifier.tokenKind == .keyword(.rethrows) {
            findings.error(.unsupportedThrows, at: throwing, "'\(name)' cannot rethrow: a function does not cross the wire")
        } else if let type = throwing.type, !["any Error", "Error"].contains(type.oneLine) {
            findings.error(
                .unsupportedThrows, at: throwing,
                "'\(name)' must be plain 'throws': beside '\(type.oneLine)' a call may fail on its way; name '\(type.oneLine)' in 'errors:'",
                fix: .replace(throwing, with: "throws", "write 'throws'"))
        }
    }

    private mutating func parameters(of node: FunctionDeclSyntax, _ annotations: Annotations) -> [ServiceParameter] {
        let documentation = Documentation(of: node)
        var parameters: [ServiceParameter] = []
        var seen: [String: TokenSyntax] = [:]
        for parameter in node.signature.parameterClause.parameters {
            let name = parameter.secondName ?? parameter.firstName
            checkParameter(parameter, name)
            if let first = seen[name.plainName], name.tokenKind != .wildcard {
                findings.error(
                    .duplicateKey, at: name, "two parameters travel as \"\(name.plainName)\"", see: (Syntax(first), "the first is here"))
            }
            seen[name.plainName] = name
            parameters.append(
                ServiceParameter(
                    label: parameter.firstName.tokenKind == .wildcard ? nil : parameter.firstName.text, name: name.text,
                    type: TypeText(parameter.type), defaultValue: nil, documentation: documentation.parameter(name.plainName)))
        }
        readDefaults(annotations, node, into: &parameters)
        return parameters
    }

    private mutating func checkParameter(_ parameter: FunctionParameterSyntax, _ name: TokenSyntax) {
        if name.tokenKind == .wildcard {
            findings.error(
                .unnamedParameter, at: name, "a parameter needs a name: it is the key on the wire",
                fix: .insert(" <#name#>", after: name, "name the parameter"))
        }
        if let ellipsis = parameter.ellipsis {
            findings.error(
                .variadicParameter, at: ellipsis, "'\(name.plainName)' cannot be variadic: pass an array",
                fix: .replace(
                    Syntax(parameter.type), with: "[\(parameter.type.oneLine)]", "pass '[\(parameter.type.oneLine)]'"
                ).reaching(ellipsis))
        }
        if let attributed = parameter.type.as(AttributedTypeSyntax.self) {
            for specifier in attributed.specifiers where specifier.oneLine == "inout" {
                findings.error(
                    .inoutParameter, at: specifier, "'\(name.plainName)' cannot be 'inout': a copy crosses the wire; return the new value",
                    fix: .remove(specifier, "remove 'inout'"))
            }
        }
        if let some = parameter.type.as(SomeOrAnyTypeSyntax.self), some.someOrAnySpecifier.tokenKind == .keyword(.some) {
            findings.error(
                .genericMethod, at: some, "'\(name.plainName)' cannot be 'some': what crosses the wire must be known beforehand")
            return
        }
        checkNames(in: parameter.type)
        _ = TypeChecker.check(parameter.type, of: "parameter '\(name.plainName)'", &findings)
    }

    /// What is emitted stands in types that have members `Client` and `Service`, where these names mean the members.
    private mutating func checkNames(in type: TypeSyntax) {
        for token in type.tokens(viewMode: .sourceAccurate) where ["Client", "Service"].contains(token.plainName) {
            if token.previousToken(viewMode: .sourceAccurate)?.tokenKind == .period { continue }
            findings.error(
                .reservedName, at: token, "'\(token.text)' means something else in the emitted code: write the module or type before it")
        }
    }

    /// `@Default("name", value)` on the method.
    private mutating func readDefaults(_ annotations: Annotations, _ node: FunctionDeclSyntax, into parameters: inout [ServiceParameter]) {
        for mark in annotations.all where mark.name == "Default" {
            guard mark.positional.count == 2 else {
                findings.error(.argumentInvalid, at: mark.node, "'@Default' of a method needs the parameter's name and the value")
                continue
            }
            guard let name = mark.string(0, &findings) else { continue }
            guard let index = parameters.firstIndex(where: { $0.name.plain == name }) else {
                findings.error(.argumentInvalid, at: mark.positional[0], "'\(node.name.plainName)' has no parameter '\(name)'")
                continue
            }
            if parameters[index].defaultValue != nil {
                findings.error(.repeatedAttribute, at: mark.node, "'\(name)' has a default already")
            }
            parameters[index].defaultValue = mark.positional[1].oneLine
        }
    }

    private mutating func readAnnotations(
        _ annotations: Annotations, _ node: FunctionDeclSyntax, into method: inout ServiceMethodDeclaration
    ) {
        if let mark = annotations.find("Wire", &findings), let name = mark.string(0, &findings) {
            if name.isEmpty || name.utf8.count > 255 || name.first == "_" {
                findings.error(
                    .argumentInvalid, at: mark.positional[0],
                    "a wire name has 1 to 255 bytes and does not begin with '_', which names what every reference answers")
            }
            method.wireName = name
        } else if method.wireName.first == "_" {
            findings.error(
                .argumentInvalid, at: node.name, "names with '_' in front are what every reference answers; give another by '@Wire'")
        }
        for (option, attribute, _) in ServiceMethodDeclaration.Options.names where annotations.find(attribute, &findings) != nil {
            method.options.insert(option)
        }
        if let mark = annotations.find("Until", &findings), let version = mark.integer(0, &findings) {
            if version < 1 { findings.error(.argumentInvalid, at: mark.positional[0], "versions count from 1") }
            method.until = version
        }
        checkOptions(annotations, node, method)
        readRoute(annotations, into: &method)
        annotations.refuse(["Serial"], "stands before the protocol: its calls share one line", &findings)
        annotations.refuse(
            ["Key", "Via", "Attribute", "Text", "Flattened", "Element", "Namespace", "Omitted"], "belongs to a '@Shape'", &findings)
    }

    private mutating func checkOptions(_ annotations: Annotations, _ node: FunctionDeclSyntax, _ method: ServiceMethodDeclaration) {
        if method.options.contains(.oneWay), !method.result.isVoid, let clause = node.signature.returnClause {
            findings.error(
                .oneWayResult, at: clause, "'\(method.name)' is one-way, so nothing comes back",
                fix: .remove(clause, "remove the result"))
        }
        for (first, second, reason) in [
            ("Durable", "Idempotent", "an idempotent call may be repeated as it is, so it needs no reply cache"),
            ("OneWay", "Durable", "a one-way call has no reply to keep"),
            ("ReadOnly", "Durable", "what changes nothing needs no reply cache"),
        ] where annotations.contains(first) && annotations.contains(second) {
            guard let mark = annotations.find(second, &findings) else { continue }
            findings.error(
                .conflictingAttributes, at: mark.node, "'@\(first)' and '@\(second)' exclude each other: \(reason)",
                fix: .remove(mark.node, "remove '@\(second)'"))
        }
    }
}

// MARK: - Names on the wire

extension ServiceParser {
    private mutating func checkWireNames(_ methods: [ServiceMethodDeclaration], _ nodes: [FunctionDeclSyntax]) {
        var seen: [String: Int] = [:]
        for (index, method) in methods.enumerated() {
            guard let first = seen[method.wireName] else {
                seen[method.wireName] = index
                continue
            }
            let node = nodes[index]
            let mark = Annotations(node.attributes).all.first { $0.name == "Wire" }
            let place: Syntax = mark.map { Syntax($0.node) } ?? Syntax(node.name)
            findings.error(
                .duplicateWireName, at: place, "two methods answer to \"\(method.wireName)\": give one a name of its own by '@Wire'",
                see: (Syntax(nodes[first].name), "the first is here"),
                fix: mark == nil
                    ? .insert(
                        "@Wire(\(swiftLiteral(suggestion(method)))) ", before: node, "add '@Wire(\(swiftLiteral(suggestion(method))))'")
                    : nil)
        }
    }

    /// A name that tells an overload apart: the base name and what its labels say.
    private func suggestion(_ method: ServiceMethodDeclaration) -> String {
        let labels = method.parameters.map { $0.label?.plain ?? $0.name.plain }
        return ([method.wireName] + labels).joined(separator: ".")
    }

    /// Static members that the description of a service has, or every enum.
    private static let reservedConstants: Set<String> = [
        "name", "documentation", "version", "methods", "errors", "schema", "client", "reference", "Client", "self", "Type", "Protocol",
        "init",
    ]

    /// The method's name when no other has it, else its wire name with underscores for what an identifier cannot hold.
    private func nameConstants(_ methods: inout [ServiceMethodDeclaration]) {
        let bases = Dictionary(grouping: methods, by: { $0.name.plain }).mapValues(\.count)
        var taken = Self.reservedConstants
        for index in methods.indices {
            let base = methods[index].name.plain
            var constant = bases[base] == 1 ? base : Self.identifier(methods[index].wireName)
            while taken.contains(constant) { constant += "_" }
            taken.insert(constant)
            methods[index].constant = constant
        }
    }

    static func identifier(_ text: String) -> String {
        let plain = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        return plain.first?.isNumber == true ? "_" + plain : plain
    }
}
