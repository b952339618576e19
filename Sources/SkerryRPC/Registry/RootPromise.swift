/// Finds services whose clients can be used before they are found; see ``Reference/promise(_:_:)``.
///
/// ```swift
/// let sum = try await session.root.promise.get(ArithService.self, "arith").plus(40, 2)     // one round trip
/// ```
public struct RootPromise: Sendable {
    private let reference: Reference

    public init(_ reference: Reference) {
        self.reference = reference
    }

    /// The service of that name there, as ``Root/get(_:)`` finds it.
    public func get(_ name: String) -> Reference { reference.promise(RootService.get, .init(name: name)) }

    /// The service of that name there or at a delegate, as ``Root/locate(_:hops:)`` finds it.
    public func locate(_ name: String, hops: Int = 8) -> Reference {
        reference.promise(RootService.locate, .init(name: name, hops: hops))
    }

    /// A client of the service of that name there.
    public func get<Service: ServiceDescription>(_ service: Service.Type, _ name: String) -> Service.Client {
        Service.client(get(name))
    }

    /// A client of the service of that name there or at a delegate.
    public func locate<Service: ServiceDescription>(_ service: Service.Type, _ name: String) -> Service.Client {
        Service.client(locate(name))
    }
}

extension RootClient {
    /// The same services, before they are found.
    public var promise: RootPromise { RootPromise(reference) }
}
