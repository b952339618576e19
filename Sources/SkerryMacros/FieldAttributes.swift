/// The name of a field or of a case on the wire, where it differs from the one in the source.
///
/// The contract with peers is this name: a property may be renamed freely as long as its key stays.
@attached(peer)
public macro Key(_ name: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// A property that travels as another type: `@Via(ISO8601.self) var modified: Date`.
///
/// - Parameter isomorphism: a type that turns the property's type into one with a shape and back. On an optional property it describes
///   the value inside.
@attached(peer)
public macro Via<I: Isomorphism>(_ isomorphism: I.Type) = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// A stored property that does not travel. Reading gives it its initialiser, or what ``Default(_:)`` says, or nil.
@attached(peer)
public macro Omitted() = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

// MARK: - XML

/// In XML, an attribute of the record's element rather than an element in it: `<Part number="3">`.
@attached(peer)
public macro Attribute() = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// In XML, the text of the record's element rather than an element in it: `<Grant>text</Grant>`.
@attached(peer)
public macro Text() = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// In XML, a list whose elements stand in the record itself, each under the field's key: `<Part/><Part/>`.
@attached(peer)
public macro Flattened() = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// In XML, the name of each element of a list that is not flattened; `member` without it.
@attached(peer)
public macro Element(_ name: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// In XML, the namespace of the element of a field, or on a struct of the record's own element.
@attached(peer)
public macro Namespace(_ uri: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")
