/// What changes a registry. Never exported by itself: whoever is given ``Registry/admin`` holds it.
public protocol RootAdmin: Sendable {
    /// Lists `service` under `name`; a service that had the name is displaced and told so.
    func add(_ name: String, _ service: Reference, isPublic: Bool) async throws

    /// Takes a name back; the service is told so. Answers whether there was one.
    func remove(_ name: String) async throws -> Bool
}

/// Changes a registry for whoever holds its admin facet.
struct RootAdminFacet: RootAdmin {
    let registry: Registry

    func add(_ name: String, _ service: Reference, isPublic: Bool) throws {
        try registry.add(name, service, visibility: isPublic ? .public : .private)
    }

    func remove(_ name: String) -> Bool { registry.remove(name) }
}
