/// A type marked `@Shape`, as the generator understands it.
package struct ShapeDeclaration: Sendable {
    /// The name on the wire and in schemas: the type's own, or what `@Shape("…")` says.
    package var wireName: String
    /// The type's name as an extension at file level writes it: `Outer.Inner`.
    package var qualifiedName: String
    package var access: AccessLevel
    package var documentation: Documentation
    /// Generic parameters that are themselves shapes, whose names belong to the name of each instance: `Box<int64>`.
    package var shapedParameters: [String] = []
    /// True when the type or one around it is generic, so that it cannot have static stored properties.
    package var isInGenericContext: Bool
    package var structure: Structure
    /// The namespace of the record's XML element.
    package var namespace: String?

    package enum Structure: Sendable {
        /// A struct: its stored properties.
        case record(Record)
        /// An enum with a raw type: travels as the raw value.
        case raw(type: String, cases: [RawCase])
        /// An enum without one: one of several cases.
        case variant([VariantCase])
    }

    package struct Record: Sendable {
        /// The stored properties in declared order.
        package var properties: [Property]
        /// How reading makes a value.
        package var construction: Construction

        /// Those that travel.
        package var fields: [ShapeField] {
            properties.compactMap { if case .field(let field) = $0 { field } else { nil } }
        }
    }

    package enum Property: Sendable {
        /// Travels.
        case field(ShapeField)
        /// Does not travel; reading gives it `value`.
        case omitted(name: String, value: String)
    }

    package enum Construction: Sendable {
        /// By an initialiser that takes exactly the stored properties in order: the compiler's or the type's own.
        case memberwise
        /// By an initialiser emitted beside the other members, since the type's own ones take something else.
        case emitted
    }

    package struct RawCase: Sendable {
        package var name: String
        /// What travels, as the compiler would print it: the text itself, or the number.
        package var value: String
        package var documentation: Documentation
    }

    package struct VariantCase: Sendable {
        /// As written, with backticks where the source has them.
        package var name: String
        package var key: String
        package var documentation: Documentation
        package var payload: Payload
    }

    package enum Payload: Sendable {
        case none
        /// One value without a label.
        case single(TypeText)
        /// Several values, or one with a label.
        case fields([ShapeField])
    }
}

/// One field of a record, or one labelled value of a case.
package struct ShapeField: Sendable {
    /// The property, label or parameter as written, with backticks where the source has them; `_0` and so on for a value without a label.
    package var name: String
    /// False for a value of a case that has no label.
    package var isLabelled = true
    package var key: String
    package var type: TypeText
    /// The expression for a reader that finds the field missing.
    package var defaultValue: String?
    /// The type that describes how the value travels, from `@Via(Name.self)`.
    package var via: String?
    package var documentation: Documentation
    package var xml: XMLMarks
}

/// What the XML attributes of a field say.
package struct XMLMarks: Hashable, Sendable {
    package var isAttribute = false
    package var isText = false
    package var isFlattened = false
    package var element: String?
    package var namespace: String?

    package init() {}
}
