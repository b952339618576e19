@_exported public import SkerryRPC

/// Makes a plain protocol callable from afar: writes its client, its dispatcher and its description.
///
/// ```swift
/// /// Arithmetic over the wire.
/// @Service(errors: ArithError.self)
/// public protocol Arith: Sendable {
///     /// The quotient.
///     @Idempotent @GET("/quotient/{dividend}/{divisor}")
///     func quotient(of dividend: Int, by divisor: Int) async throws -> Int
/// }
/// ```
///
/// Beside `Arith` come into being:
/// - `ArithClient: Arith`, which calls a reference. When the implementation lives in this process it is called directly.
/// - `ArithService`, the description: names, shapes, documentation, options and routes of the methods; `reference(to:)` makes a reference
///   to an implementation. It is what a caller names when it asks for a service: `root.get(ArithService.self, "arith")`.
/// - `ArithPromise`, where methods return references (a type named `Reference`, or one whose name ends in `Client`): `arith.promise` has these methods
///   once more, not `async`, and what they will return can be called before it is there, in the same round trip.
/// - `ArithDispatcher`, which answers calls with any implementation: a struct, a class or an actor.
///
/// Methods are `async throws`, because a call takes time and may fail on its way; parameters and results have shapes, are channel ends or
/// clients of services. Names of parameters are their keys on the wire: the name inside the function, as in its documentation.
/// Parameters at the end that are optional or have a default (``Default(_:_:)``) may be left out by the caller, and by peers with an
/// older interface; the forms without them are written too. Overloads need ``Wire(_:)``.
///
/// - Parameters:
///   - name: of the interface on the wire; the protocol's own when nil.
///   - errors: error types with a shape that cross the wire as themselves. All others arrive as `CallError` with their text.
///   - version: raised when old callers should know of a change. Methods marked ``Until(_:)`` end with the version they name.
@attached(peer, names: suffixed(Service), suffixed(Client), suffixed(Promise), suffixed(Dispatcher))
@attached(extension, names: arbitrary)
public macro Service(_ name: String? = nil, errors: any (Error & Shaped).Type..., version: Int = 1) =
    #externalMacro(module: "SkerryMacrosPlugin", type: "ServiceMacro")
