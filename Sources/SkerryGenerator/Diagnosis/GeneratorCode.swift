/// The kinds of findings. A declaration with any error is not expanded, so that no second error follows from the first.
package enum GeneratorCode: String, CaseIterable, Sendable {
    // The declaration as a whole.
    case wrongDeclaration, privateDeclaration, conditionalDeclaration, localDeclaration

    // Attributes.
    case misplacedAttribute, repeatedAttribute, conflictingAttributes, argumentNotLiteral, argumentInvalid

    // Shapes.
    case missingType, unsupportedType, constantWithValue, unsupportedProperty, omittedWithoutDefault, duplicateKey
    case unsupportedRawType, noCases, conditionalMember, unconstrainedGeneric, reservedName

    // Services.
    case notAsyncThrows, unsupportedRequirement, genericMethod, inoutParameter, variadicParameter, unnamedParameter
    case duplicateWireName, oneWayResult, notSendable, unsupportedThrows
    case routeInvalid, routeParameterUnknown, routeParameterOptional, duplicateRoute
}
