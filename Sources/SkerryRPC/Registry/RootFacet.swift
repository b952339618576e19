/// A registry as a ``Root``, for peers or for those who may see everything.
struct RootFacet: Root {
    private let registry: Registry
    private let isAdmin: Bool

    init(_ registry: Registry, isAdmin: Bool) {
        self.registry = registry
        self.isAdmin = isAdmin
    }

    func name() -> String { registry.name }

    func list() -> [String] { registry.names(isAdmin: isAdmin) }

    func get(_ name: String) throws -> Reference {
        guard let reference = registry.service(name, isAdmin: isAdmin) else {
            throw CallError(.noSuchService, "\(registry.name) has no service \(name)")
        }
        return reference
    }

    func locate(_ name: String, hops: Int) async throws -> Reference {
        if let reference = registry.service(name, isAdmin: isAdmin) { return reference }
        guard let delegate = registry.delegate else {
            throw CallError(.noSuchService, "\(registry.name) has no service \(name), and no delegate")
        }
        // Delegates may form a circle.
        guard hops > 0 else { throw CallError(.noSuchService, "no service \(name) within the hops allowed") }
        return try await RootClient(delegate).locate(name, hops: hops - 1)
    }
}
