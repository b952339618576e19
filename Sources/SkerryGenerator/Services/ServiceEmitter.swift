/// Writes what a service needs beside its protocol: the description, the client, the dispatcher, and the shorter forms of its methods.
///
/// As for shapes, every library name is qualified, so that the text means the same in any module.
struct ServiceEmitter {
    let service: ServiceDeclaration

    init(_ service: ServiceDeclaration) {
        self.service = service
    }

    /// The declarations beside the protocol, one text each, in order.
    func peers() -> [String] {
        [description(), client()] + (service.promised.isEmpty ? [] : [promises()]) + [dispatcher()]
    }

    private var level: String { service.access.memberPrefix }
    private var peerLevel: String { service.access.peerPrefix }
    private var serviceType: String { service.name + "Service" }

    // MARK: - Description

    private func description() -> String {
        ShapeEmitter.text { writer in
            writer.line("/// Describes ``\(service.name)``: its methods, its errors, and how to call it.")
            writer.block("\(peerLevel)enum \(serviceType): SkerryRPC.ServiceDescription") { writer in
                writer.line("\(level)typealias Client = \(service.name)Client")
                writer.line()
                constants(&writer)
                writer.line()
                let descriptors = service.methods.map { "\(escaped($0.constant)).descriptor" }
                writer.list(
                    "\(level)static let methods: [SkerryRPC.MethodDescriptor] = ", open: "[", descriptors, close: "]", isClosedApart: true)
                for method in service.methods { constant(method, &writer) }
                writer.line()
                reference(&writer)
                for method in service.methods where !method.parameters.isEmpty {
                    writer.line()
                    arguments(of: method, &writer)
                }
            }
        }
    }

    private func constants(_ writer: inout SourceWriter) {
        writer.line("\(level)static let name = \(swiftLiteral(service.wireName))")
        if !service.documentation.text.isEmpty {
            writer.line("\(level)static let documentation = \(swiftLiteral(service.documentation.text))")
        }
        if service.version != 1 { writer.line("\(level)static let version = \(service.version)") }
        if !service.errors.isEmpty {
            writer.list(
                "\(level)static let errors: [SkerryRPC.DeclaredError] = ", open: "[", service.errors.map { ".init(\($0).self)" },
                close: "]",
                isClosedApart: true)
        }
    }

    private func constant(_ method: ServiceMethodDeclaration, _ writer: inout SourceWriter) {
        let index = service.methods.firstIndex { $0.constant == method.constant }!
        var arguments = [
            "\(serviceType).self", "\(index)", swiftLiteral(method.wireName), "swiftName: \(swiftLiteral(method.fullName))",
        ]
        let documentation = method.documentation.described
        if !documentation.isEmpty { arguments.append("documentation: \(swiftLiteral(documentation))") }
        let options = ServiceMethodDeclaration.Options.names.filter { method.options.contains($0.option) }.map { ".\($0.member)" }
        if !options.isEmpty { arguments.append("options: [\(options.joined(separator: ", "))]") }
        if let route = method.route { arguments.append("route: .init(.\(route.verb.lowercased()), \(swiftLiteral(route.path)))") }
        if let until = method.until { arguments.append("until: \(until)") }
        writer.call(
            "static let \(escaped(method.constant)) = SkerryRPC.ServiceMethod<\(method.argumentsType), \(method.resultType)>", arguments)
    }

    /// How an implementation becomes something that can be passed and registered.
    private func reference(_ writer: inout SourceWriter) {
        let order = service.isSerial ? " Calls through it run one after the other, in the order they came." : ""
        let tail = service.isSerial ? ".intercepted(by: SkerryRPC.ConcurrencyLimit(1))" : ""
        writer.line("/// A reference to an implementation in this process.\(order)")
        writer.block("\(level)static func reference(to implementation: some \(service.name)) -> SkerryRPC.Reference") { writer in
            writer.line("SkerryRPC.Reference(\(service.name)Dispatcher(implementation))\(tail)")
        }
    }

    private func arguments(of method: ServiceMethodDeclaration, _ writer: inout SourceWriter) {
        let fields = method.parameters.map { parameter in
            var documentation = Documentation()
            documentation.text = parameter.documentation
            return ShapeField(
                name: parameter.name, key: parameter.name.plain, type: parameter.type, defaultValue: parameter.defaultValue, via: nil,
                documentation: documentation, xml: XMLMarks())
        }
        let shape = ShapeDeclaration(
            wireName: method.argumentsName, qualifiedName: method.argumentsType, access: .internal, documentation: Documentation(),
            isInGenericContext: false,
            structure: .record(ShapeDeclaration.Record(properties: fields.map { .field($0) }, construction: .memberwise)), namespace: nil)
        writer.block("struct \(method.argumentsType): SkerryCodec.Shaped") { writer in
            for field in fields { writer.line("var \(field.name): \(field.type.text)") }
            for member in ShapeEmitter(shape: shape).members() {
                writer.line()
                writer.line(member)
            }
        }
    }

    // MARK: - Client

    private func client() -> String {
        ShapeEmitter.text { writer in
            writer.line("/// Calls ``\(service.name)`` behind a reference, in this process or another.")
            writer.block("\(peerLevel)struct \(service.name)Client: \(service.name), SkerryRPC.ServiceClient") { writer in
                writer.line("\(level)typealias Service = \(serviceType)")
                writer.line()
                writer.line("\(level)let reference: SkerryRPC.Reference")
                writer.line("private let local: (any \(service.name))?")
                writer.line()
                writer.block("\(level)init(_ reference: SkerryRPC.Reference)") { writer in
                    writer.line("self.reference = reference")
                    writer.line("local = reference.implementation as? any \(service.name)")
                }
                for method in service.methods {
                    writer.line()
                    call(method, &writer)
                }
                for form in service.isNested ? shorterForms() : [] {
                    writer.line()
                    writer.line(form)
                }
                if !service.promised.isEmpty {
                    writer.line()
                    writer.line("/// The methods that return references, for using these before they are there.")
                    writer.line("\(level)var promise: \(service.name)Promise { \(service.name)Promise(reference) }")
                }
            }
        }
    }

    private func call(_ method: ServiceMethodDeclaration, _ writer: inout SourceWriter) {
        let parameters = method.parameters.map { $0.renamed(apartFrom: ["local", "reference"], all: method.parameters) }
        let values = zip(parameters, method.parameters).map { $0.argument($1.label) }
        let fields = zip(parameters, method.parameters).map { "\($1.name.label): \($0.name)" }
        writer.block("\(level)\(method.head(parameters))") { writer in
            writer.call("if let local { return try await local.\(method.name)", values, tail: " }")
            let verb = method.options.contains(.oneWay) ? "send" : "call"
            let keyword = method.result.isVoid ? "" : "return "
            writer.call(
                "\(keyword)try await reference.\(verb)",
                ["\(serviceType).\(escaped(method.constant))", ".init(\(fields.joined(separator: ", ")))"])
        }
    }

    // MARK: - Promises

    private func promises() -> String {
        ShapeEmitter.text { writer in
            writer.line(
                "/// Calls methods of ``\(service.name)`` and gives at once what they will return: calls through that follow without waiting."
            )
            writer.block("\(peerLevel)struct \(service.name)Promise: Sendable") { writer in
                writer.line("private let reference: SkerryRPC.Reference")
                writer.line()
                writer.block("\(level)init(_ reference: SkerryRPC.Reference)") { $0.line("self.reference = reference") }
                for method in service.promised {
                    writer.line()
                    promise(method, &writer)
                }
                for (method, count) in shorterHeads() where method.returnsReference {
                    writer.line()
                    writer.line(shorterForm(method, upTo: count, isPromise: true))
                }
            }
        }
    }

    private func promise(_ method: ServiceMethodDeclaration, _ writer: inout SourceWriter) {
        let parameters = method.parameters.map { $0.renamed(apartFrom: ["reference"], all: method.parameters) }
        let fields = zip(parameters, method.parameters).map { "\($1.name.label): \($0.name)" }
        writer.line("/// What ``\(service.name)/\(method.fullName)`` will return.")
        writer.block("\(level)\(method.head(parameters, effects: ""))") { writer in
            writer.call("reference.promise", ["\(serviceType).\(escaped(method.constant))", ".init(\(fields.joined(separator: ", ")))"])
        }
    }

    // MARK: - Dispatcher

    private func dispatcher() -> String {
        ShapeEmitter.text { writer in
            writer.line("/// Answers calls with an implementation of ``\(service.name)``.")
            let head = "\(service.name)Dispatcher<Implementation: \(service.name)>: SkerryRPC.ServiceDispatcher"
            writer.block("\(peerLevel)struct \(head)") { writer in
                writer.line("\(level)typealias Service = \(serviceType)")
                writer.line()
                writer.line("\(level)let implementation: Implementation")
                writer.line()
                writer.block("\(level)init(_ implementation: Implementation)") { $0.line("self.implementation = implementation") }
                writer.line()
                let function = "func dispatch(_ call: SkerryRPC.ServiceCall) async throws -> SkerryRPC.ServiceReply"
                writer.block("\(level)\(function)") { writer in
                    writer.line("switch call.index {")
                    for (index, method) in service.methods.enumerated() {
                        writer.line("case \(index):")
                        writer.indented { answer(method, &$0) }
                    }
                    writer.line("default:")
                    writer.indented { $0.line("throw call.unknownMethod") }
                    writer.line("}")
                }
            }
        }
    }

    private func answer(_ method: ServiceMethodDeclaration, _ writer: inout SourceWriter) {
        let constant = "\(serviceType).\(escaped(method.constant))"
        if !method.parameters.isEmpty { writer.line("let arguments = try call.arguments(of: \(constant))") }
        let values = method.parameters.map { parameter in
            (parameter.label.map { "\($0.label): " } ?? "") + "arguments.\(parameter.name)"
        }
        let invocation = "implementation.\(method.name)(\(values.joined(separator: ", ")))"
        if method.options.contains(.oneWay) {
            writer.line("try await \(invocation)")
            writer.line("return .none")
        } else if method.result.isVoid {
            writer.line("try await \(invocation)")
            writer.line("return try call.reply(to: \(constant), SkerryRPC.NoValue())")
        } else {
            writer.call("return try await call.reply", ["to: \(constant)", invocation])
        }
    }

    private func escaped(_ name: String) -> String { swiftKeywords.contains(name) ? "`\(name)`" : name }
}

// MARK: - Shorter forms

extension ServiceEmitter {
    /// For each method the forms that leave out parameters at the end which may be missing.
    ///
    /// They are members of an extension of the protocol, so that implementations have them as well as clients. In an extension of a nested
    /// protocol the names beside it would be out of scope, so there they are the client's alone.
    ///
    /// A form that two methods would share, or that the protocol itself demands, is not written: the first could not be called, the
    /// second would silently become the default implementation of the demand.
    func shorterForms() -> [String] {
        shorterHeads().map { shorterForm($0.method, upTo: $0.count) }
    }

    private func shorterHeads() -> [(method: ServiceMethodDeclaration, count: Int)] {
        let all = service.methods.flatMap { method in
            method.shorterCounts.map { (method: method, count: $0, name: method.fullName(upTo: $0)) }
        }
        let names = Dictionary(grouping: all, by: \.name).mapValues(\.count)
        let demanded = Set(service.methods.map(\.fullName))
        return all.filter { names[$0.name] == 1 && !demanded.contains($0.name) }.map { ($0.method, $0.count) }
    }

    /// - Parameter isPromise: the form belongs to the promises, which are not awaited.
    private func shorterForm(_ method: ServiceMethodDeclaration, upTo count: Int, isPromise: Bool = false) -> String {
        let kept = method.parameters.prefix(count).map { $0.argument($0.label) }
        let added = method.parameters.dropFirst(count).map { parameter in
            (parameter.label.map { "\($0.label): " } ?? "") + (parameter.defaultValue ?? "nil")
        }
        return ShapeEmitter.text { writer in
            let left = method.parameters.dropFirst(count).map { "`\($0.name.plain)`" }.joined(separator: " and ")
            writer.line("/// ``\(method.fullName)`` without \(left).")
            let parameters = Array(method.parameters.prefix(count))
            let head = isPromise ? method.head(parameters, effects: "") : method.head(parameters)
            writer.block("\(level)\(head)") { writer in
                writer.call(isPromise ? method.name : "try await \(method.name)", kept + added)
            }
        }
    }
}

extension ServiceMethodDeclaration {
    /// The record that carries the arguments; nothing needs none.
    var argumentsType: String { parameters.isEmpty ? "SkerryRPC.NoValue" : constant.capitalisedFirst + "Arguments" }

    /// The name of that record on the wire. It follows the wire name, so that renaming the function in Swift changes nothing.
    var argumentsName: String { ServiceParser.identifier(wireName).capitalisedFirst + "Arguments" }

    var resultType: String { result.isVoid ? "SkerryRPC.NoValue" : result.text }

    /// `func read(_ bucket: String, key: String) async throws -> Blob`
    func head(_ parameters: [ServiceParameter], effects: String = " async throws") -> String {
        let arrow = result.isVoid ? "" : " -> \(result.text)"
        return "func \(name)(\(parameters.map(\.declaration).joined(separator: ", ")))\(effects)\(arrow)"
    }

    /// How many parameters each shorter form keeps, most first.
    var shorterCounts: [Int] {
        let required = parameters.lastIndex { !$0.mayBeOmitted }.map { $0 + 1 } ?? 0
        return Array((required..<parameters.count).reversed())
    }

    /// `read(_:key:)` of the form with `count` parameters.
    func fullName(upTo count: Int) -> String {
        "\(name.plain)(\(parameters.prefix(count).map { ($0.label?.plain ?? "_") + ":" }.joined()))"
    }
}

extension ServiceParameter {
    /// `_ bucket: String`, `key: String`, `from start: Int`.
    var declaration: String {
        switch label {
        case nil: "_ \(name): \(type.text)"
        case name?: "\(name): \(type.text)"
        case let label?: "\(label.label) \(name): \(type.text)"
        }
    }

    /// `label: name`.
    func argument(_ label: String?) -> String { label.map { "\($0.label): \(name)" } ?? name }

    /// The same parameter under another name inside the function, when its own is one of `taken`.
    func renamed(apartFrom taken: Set<String>, all: [ServiceParameter]) -> ServiceParameter {
        guard taken.contains(name.plain) else { return self }
        var copy = self
        repeat { copy.name += "_" } while all.contains { $0.name == copy.name }
        return copy
    }
}

extension Documentation {
    /// Text, result and errors as one text; parameters have their own place.
    var described: String {
        var parts = [text]
        if !returns.isEmpty { parts.append("Returns: \(returns)") }
        if !throwing.isEmpty { parts.append("Throws: \(throwing)") }
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }
}

extension String {
    var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}

/// Words that need backticks as the name of a member.
let swiftKeywords: Set<String> = [
    "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do", "else", "enum", "extension",
    "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "nil",
    "operator", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows", "return", "self", "static", "struct", "subscript",
    "super", "switch", "throw", "throws", "true", "try", "typealias", "var", "where", "while", "as", "any", "Any", "Self", "Type",
    "Protocol",
]
