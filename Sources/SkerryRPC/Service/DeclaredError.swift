public import SkerryCodec
import SkerrySession

/// An error type of an interface: its values cross the wire and are thrown again as themselves.
///
/// Listed by `@Service(errors:)`. All other errors of an implementation arrive as ``CallError`` with code ``CallError/Code/remote``, and only
/// their text crosses.
public struct DeclaredError: Sendable {
    /// The name of the type, by which the other side finds it.
    public let name: String
    public let shape: Shape
    /// The payload when the error is of this type.
    let encode: @Sendable (any Error, PayloadFormat) -> ServicePayload?
    let decode: @Sendable (ServicePayload) throws(ShapeError) -> any Error

    public init<Failure: Error & Shaped>(_ type: Failure.Type) {
        shape = Failure.shape
        name = Failure.shape.name
        encode = { error, format in
            guard let error = error as? Failure else { return nil }
            return try? ServicePayload(error, format)
        }
        decode = { payload throws(ShapeError) in try payload.decode(Failure.self) }
    }
}

/// A declared error between the two sides: its name and its value, not yet read.
package struct DeclaredFailure: Error, Sendable {
    package let name: String
    package let payload: ServicePayload
}
