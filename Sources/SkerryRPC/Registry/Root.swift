/// The services of a node, by name: what a session finds first.
///
/// A facet for peers. It finds services and changes nothing; who may change holds the ``Registry`` itself, or its admin facet.
public protocol Root: Sendable {
    /// The name of the root.
    func name() async throws -> String

    /// The names of the services, in ascending order. Peers see the public ones.
    func list() async throws -> [String]

    /// The service of that name here.
    ///
    /// - Throws: ``CallError`` with code ``CallError/Code/noSuchService``, also for private services when a peer asks.
    func get(_ name: String) async throws -> Reference

    /// The service of that name here, or else at the delegate, its delegate and so on, over at most `hops` of them.
    ///
    /// - Throws: as ``get(_:)``.
    func locate(_ name: String, hops: Int) async throws -> Reference
}

extension Root {
    /// As ``locate(_:hops:)``, over at most 8 delegates.
    public func locate(_ name: String) async throws -> Reference { try await locate(name, hops: 8) }

    /// A client of the service of that name here.
    ///
    /// ```swift
    /// let arith = try await session.root.get(ArithService.self, "arith")
    /// ```
    public func get<Service: ServiceDescription>(_ service: Service.Type, _ name: String) async throws -> Service.Client {
        Service.client(try await get(name))
    }

    /// A client of the service of that name here or at a delegate.
    public func locate<Service: ServiceDescription>(_ service: Service.Type, _ name: String) async throws -> Service.Client {
        Service.client(try await locate(name))
    }
}
