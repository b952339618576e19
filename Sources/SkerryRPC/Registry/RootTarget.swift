import SkerryCSP
import SkerryCodec
import SkerrySession

/// A root facet behind a reference: the methods of ``Root``, the commands that were added, the delegate.
final class RootTarget: ReferenceTarget {
    private let root: LocalTarget<RootDispatcher<RootFacet>>
    private let facet: RootFacet
    private let registry: Registry
    /// What changes the registry; nil for peers.
    private let admin: (any ReferenceTarget)?

    init(_ facet: RootFacet, _ registry: Registry, admin: (any ReferenceTarget)?) {
        self.facet = facet
        self.registry = registry
        self.admin = admin
        root = LocalTarget(RootDispatcher(facet))
    }

    var implementation: (any Sendable)? { facet }

    func format(for method: MethodDescriptor) -> PayloadFormat { .bin }

    func descriptor(of method: String) -> MethodDescriptor? {
        root.descriptor(of: method) ?? admin?.descriptor(of: method)
    }

    func perform(_ invocation: Invocation) async throws -> ServicePayload {
        let name = invocation.method
        if root.descriptor(of: name) != nil { return try await root.perform(invocation) }
        if let admin, admin.descriptor(of: name) != nil { return try await admin.perform(invocation) }
        if RootAdminService.methods.contains(where: { $0.name == name }) {
            throw CallError(.denied, "only holders of the admin facet may change a registry", service: RootService.name)
        }
        let (handler, delegate) = registry.state.withLock { ($0.handlers[name], $0.delegate) }
        if let handler { return try await answer(invocation, with: handler) }
        if let delegate { return try await self.delegate(invocation, to: delegate.target) }
        throw CallError(.noSuchMethod, "\(registry.name) has no command \(name)", service: RootService.name)
    }

    func send(_ invocation: Invocation) async throws(CallError) {
        Task.immediate { _ = try? await perform(invocation) }
    }

    private func answer(_ invocation: Invocation, with handler: Registry.Handler) async throws -> ServicePayload {
        guard invocation.payload.format != .bin else { throw CallError(.digestMismatch, "the command describes itself") }
        do {
            let arguments = try invocation.payload.decode(Value.self)
            return try ServicePayload(try await handler(arguments), invocation.replyFormat == .json ? .json : .cbor)
        } catch let error as ShapeError {
            throw CallError(.badArgument(position: -1), error.description, method: invocation.method, path: error.path.description)
        } catch let error as CallError {
            throw error
        } catch {
            throw CallError(.remote, "\(error)", service: RootService.name, method: invocation.method, maybeExecuted: true)
        }
    }

    /// Passes an unknown command on. A circle of delegates ends with the deadline of the call, or here.
    private func delegate(_ invocation: Invocation, to target: any ReferenceTarget) async throws -> ServicePayload {
        guard RootHops.left > 0 else { throw CallError(.noSuchMethod, "no root on the way knows the command \(invocation.method)") }
        return try await RootHops.$left.withValue(RootHops.left - 1) { try await target.perform(invocation) }
    }
}

/// How many delegates an unknown command may still pass within this process.
private enum RootHops {
    @TaskLocal static var left = 8
}
