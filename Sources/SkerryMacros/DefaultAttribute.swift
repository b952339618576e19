// The compiler checks the value before the macro sees it, and without the property's type. So names of cases are written in full
// (`Color.red`), and the literals that have no type of their own get a declaration each: the value itself is only copied into the expansion.

/// The value a reader takes when the field is missing. Goes before the property's own initialiser, which counts as one otherwise.
///
/// The expression is evaluated anew for each value read.
@attached(peer)
public macro Default<T>(_ value: T) = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// The field is nil when missing.
@attached(peer)
public macro Default(_ value: Never?) = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// The field is empty when missing.
@attached(peer)
public macro Default(_ value: [Never]) = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

/// The field is empty when missing.
@attached(peer)
public macro Default(_ value: [Never: Never]) = #externalMacro(module: "SkerryMacrosPlugin", type: "FieldMark")

// MARK: - Parameters of methods

/// The value of a parameter that the caller leaves out: `@Default("limit", 100)`.
///
/// - Parameters:
///   - parameter: the name inside the function.
///   - value: evaluated anew for each call.
@attached(peer)
public macro Default<T>(_ parameter: String, _ value: T) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// The parameter is empty when the caller leaves it out.
@attached(peer)
public macro Default(_ parameter: String, _ value: [Never]) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// The parameter is empty when the caller leaves it out.
@attached(peer)
public macro Default(_ parameter: String, _ value: [Never: Never]) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")
