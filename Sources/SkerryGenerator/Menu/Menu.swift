/// What a program says to its peers: every service with its methods, every shape with its members, by their names on the wire.
///
/// The text form (`docs/formats/menu.md`) is committed; comparing it with the one printed from today's source tells whether peers built
/// before still understand.
package struct Menu: Equatable, Sendable {
    /// In ascending order of names.
    package var services: [Service] = []
    /// In ascending order of names.
    package var shapes: [Shape] = []

    package struct Service: Equatable, Sendable {
        package var name: String
        package var version: Int
        /// Names of the declared errors, in order.
        package var errors: [String]
        /// In declared order.
        package var methods: [Method]
    }

    package struct Method: Equatable, Sendable {
        package var name: String
        package var arguments: [Member]
        package var result: String
        /// `oneWay`, `idempotent`, `durable`, `readOnly`: what a caller relies on, in this order.
        package var promises: [String]
        package var until: Int?
        /// `GET /path`.
        package var route: String?
    }

    package struct Shape: Equatable, Sendable {
        package var name: String
        package var structure: Structure
    }

    package enum Structure: Equatable, Sendable {
        case record([Member], namespace: String?)
        case variant([Case])
        case raw(type: String, values: [String])
    }

    package struct Case: Equatable, Sendable {
        package var key: String
        /// The type of the one value without a label.
        package var single: String?
        package var values: [Member]
    }

    /// A field, an argument, or a labelled value of a case.
    package struct Member: Equatable, Sendable {
        package var key: String
        package var type: String
        /// A reader goes on without it.
        package var isOptional: Bool
        /// How it travels, and where XML writes it: `via ISO8601`, `attribute`, `namespace "…"`.
        package var marks: [String]
    }

    package init() {}
}

// MARK: - From source

extension Menu {
    /// - Parameter files: the program's marked files, all without errors.
    /// - Throws: when two services or two shapes have one name.
    package init(_ files: [SourceFile]) throws(MenuError) {
        services = files.flatMap(\.services).map(Service.init).sorted { $0.name < $1.name }
        shapes = files.flatMap(\.shapes).map(Shape.init).sorted { $0.name < $1.name }
        for (first, second) in zip(services, services.dropFirst()) where first.name == second.name {
            throw MenuError("two services are called '\(first.name)' on the wire; name one of them by '@Service(\"…\")'")
        }
        for (first, second) in zip(shapes, shapes.dropFirst()) where first.name == second.name {
            throw MenuError("two shapes are called '\(first.name)' on the wire; name one of them by '@Shape(\"…\")'")
        }
    }
}

extension Menu.Service {
    fileprivate init(_ declaration: ServiceDeclaration) {
        name = declaration.wireName
        version = declaration.version
        errors = declaration.errors
        methods = declaration.methods.map { method in
            let promised: [(ServiceMethodDeclaration.Options, String)] = [
                (.oneWay, "oneWay"), (.idempotent, "idempotent"), (.durable, "durable"), (.readOnly, "readOnly"),
            ]
            return Menu.Method(
                name: method.wireName,
                arguments: method.parameters.map {
                    Menu.Member(
                        key: $0.name.plain, type: $0.type.text, isOptional: $0.mayBeOmitted, marks: [])
                },
                result: method.result.isVoid ? "Void" : method.result.text,
                promises: promised.filter { method.options.contains($0.0) }.map(\.1), until: method.until,
                route: method.route.map { "\($0.verb) \($0.path)" })
        }
    }
}

extension Menu.Shape {
    fileprivate init(_ declaration: ShapeDeclaration) {
        name = declaration.wireName
        switch declaration.structure {
        case .record(let record):
            structure = .record(record.fields.map(Menu.Member.init), namespace: declaration.namespace)
        case .raw(let type, let cases):
            structure = .raw(type: type, values: cases.map(\.value).sorted())
        case .variant(let cases):
            structure = .variant(
                cases.map { variantCase in
                    switch variantCase.payload {
                    case .none: Menu.Case(key: variantCase.key, single: nil, values: [])
                    case .single(let type): Menu.Case(key: variantCase.key, single: type.text, values: [])
                    case .fields(let fields): Menu.Case(key: variantCase.key, single: nil, values: fields.map(Menu.Member.init))
                    }
                })
        }
    }
}

extension Menu.Member {
    fileprivate init(_ field: ShapeField) {
        key = field.key
        type = field.type.text
        isOptional = field.defaultValue != nil || field.type.isOptional
        marks = []
        if let via = field.via { marks.append("via \(via)") }
        if field.xml.isAttribute { marks.append("attribute") }
        if field.xml.isText { marks.append("text") }
        if field.xml.isFlattened { marks.append("flattened") }
        if let element = field.xml.element { marks.append("element \(swiftLiteral(element))") }
        if let namespace = field.xml.namespace { marks.append("namespace \(swiftLiteral(namespace))") }
    }
}
