public import SkerryCodec

/// What a call may return so that it can be used before the call has answered: a ``Reference``, or a client of a service.
public protocol Promisable: Shaped {
    /// The same around a reference that leads to nothing yet.
    static func promised(_ reference: Reference) -> Self
}

extension Reference: Promisable {
    public static func promised(_ reference: Reference) -> Reference { reference }
}

extension ServiceClient {
    public static func promised(_ reference: Reference) -> Self { Self(reference) }
}
