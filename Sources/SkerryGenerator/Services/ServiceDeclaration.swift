/// A protocol marked `@Service`, as the generator understands it.
package struct ServiceDeclaration: Sendable {
    /// The protocol's name without backticks.
    package var name: String
    /// The protocol's name as an extension at file level writes it: `Outer.Inner`.
    package var qualifiedName: String
    /// True when the protocol stands in a type.
    package var isNested: Bool { name != qualifiedName.plain }
    /// The name on the wire: the protocol's own, or what `@Service("…")` says.
    package var wireName: String
    package var access: AccessLevel
    package var documentation: Documentation
    /// What `version:` says, 1 without it.
    package var version: Int
    /// Whether calls through one reference run one after the other.
    package var isSerial: Bool
    /// The types in `errors:`, in order.
    package var errors: [String]
    /// In declared order; a method's place is its index on the wire of a session.
    package var methods: [ServiceMethodDeclaration]

    /// The methods whose results can be used before they are there.
    var promised: [ServiceMethodDeclaration] { methods.filter(\.returnsReference) }
}

/// One method of a service.
package struct ServiceMethodDeclaration: Sendable {
    /// The base name as written, with backticks where the source has them.
    package var name: String
    /// `read(_:from:)`.
    package var fullName: String
    package var wireName: String
    /// The name of its description among the static members of the service, and of its record of arguments when capitalised.
    package var constant: String
    package var documentation: Documentation
    package var parameters: [ServiceParameter]
    /// `Void` when the function returns nothing.
    package var result: TypeText
    package var options: Options
    /// The last version of the interface that has the method.
    package var until: Int?
    package var route: Route?

    /// Whether the result is a reference. A macro sees no types, so it goes by the name: `Reference`, or one that ends in `Client`.
    var returnsReference: Bool {
        guard result.text.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }) else { return false }
        let name = result.text.split(separator: ".").last ?? ""
        return name == "Reference" || name.hasSuffix("Client")
    }

    package struct Options: OptionSet, Sendable, Hashable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let oneWay = Options(rawValue: 1 << 0)
        package static let idempotent = Options(rawValue: 1 << 1)
        package static let durable = Options(rawValue: 1 << 2)
        package static let offload = Options(rawValue: 1 << 3)
        package static let readOnly = Options(rawValue: 1 << 4)

        /// Attribute, and member of the library's option set, of each option, in the order they are written.
        static let names: [(option: Options, attribute: String, member: String)] = [
            (.oneWay, "OneWay", "oneWay"), (.idempotent, "Idempotent", "idempotent"), (.durable, "Durable", "durable"),
            (.offload, "Offload", "offload"), (.readOnly, "ReadOnly", "readOnly"),
        ]
    }

    package struct Route: Sendable, Hashable {
        /// `GET` and so on.
        package var verb: String
        package var path: String
    }
}

/// One parameter of a method.
package struct ServiceParameter: Sendable {
    /// The argument label at the call, nil for `_`.
    package var label: String?
    /// The name inside the function, which is also the key on the wire and the name in documentation.
    package var name: String
    package var type: TypeText
    /// The expression that stands in for it, from `@Default("name", …)`.
    package var defaultValue: String?
    package var documentation: String

    /// Whether a caller may leave it out: it has a default, or its absence is nil.
    package var mayBeOmitted: Bool { defaultValue != nil || type.isOptional }
}
