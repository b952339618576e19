@_exported public import SkerryCodec

// `SkerryCodec` and `SkerryRPC` come along, because the expansions name them: a file that imports this module needs nothing else.

/// Describes a struct or an enum once, for every format: writes its conformance to `Shaped`.
///
/// ```swift
/// /// A part of an upload.
/// @Shape struct Part {
///     @Key("PartNumber") var number: Int
///     var etag: String?
///     var tags: [String] = []
/// }
/// ```
///
/// Stored properties are the fields, in the order declared. A field may be missing in the input when its type is optional or when it has
/// a value: its initialiser, or what ``Default(_:)`` says. Enums travel as their raw value when they have one (`String` or an integer
/// type), otherwise as one of their cases. Documentation comments become part of the description.
///
/// The type may be nested, generic (parameters that travel must be `Shaped`) and recursive. What cannot be described, such as a tuple, a
/// function or a property without a written type, is an error at the place where it stands.
///
/// - Parameter name: the name of the type in schemas and in the digest by which peers compare shapes; the type's own when nil. Give it
///   when the type is renamed, so that old peers still recognise it.
@attached(
    member, names: arbitrary)
@attached(extension, conformances: Shaped)
public macro Shape(_ name: String? = nil) = #externalMacro(module: "SkerryMacrosPlugin", type: "ShapeMacro")
