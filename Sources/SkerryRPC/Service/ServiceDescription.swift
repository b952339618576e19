public import SkerryCodec

/// What is known of an interface without an object that implements it: names, methods, errors, and how to make a client.
///
/// The generator emits an enum of this kind beside every service protocol (`ArithService` beside `Arith`); it is what a caller names when
/// it asks a registry for a service: `try await root.get(ArithService.self, "arith")`.
public protocol ServiceDescription: Sendable {
    /// Calls a reference as if it were the implementation.
    associatedtype Client: ServiceClient

    /// The wire name of the interface.
    static var name: String { get }
    /// The documentation of the protocol.
    static var documentation: String { get }
    /// Raised when the interface changes in a way old callers should know of; methods marked `@Until(version)` end with it.
    static var version: Int { get }
    /// The methods in declared order; a method's place is its dense index.
    static var methods: [MethodDescriptor] { get }
    /// The error types that cross the wire as themselves, in declared order.
    static var errors: [DeclaredError] { get }
}

extension ServiceDescription {
    public static var documentation: String { "" }
    public static var version: Int { 1 }
    public static var errors: [DeclaredError] { [] }

    /// The description as a value that can be sent, printed and compared.
    public static var schema: ServiceSchema { ServiceSchema(Self.self) }

    /// A client that calls `reference`.
    public static func client(_ reference: Reference) -> Client { Client(reference) }
}

/// A stub: implements a service protocol by calling a ``Reference``.
///
/// A client may itself be an argument, a result or an element of a channel: what crosses is its reference.
public protocol ServiceClient: Shaped, Promisable {
    /// The interface this client speaks.
    associatedtype Service: ServiceDescription

    /// What is called.
    var reference: Reference { get }

    init(_ reference: Reference)
}
