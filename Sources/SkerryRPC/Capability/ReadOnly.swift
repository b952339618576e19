import SkerryCSP
import SkerrySession

/// Lets only methods through that change nothing.
final class ReadOnlyTarget: ReferenceTarget {
    private let next: any ReferenceTarget
    /// The methods of a service elsewhere, asked for once.
    private let known = Locked<Set<String>?>(nil)

    init(_ next: any ReferenceTarget) {
        self.next = next
    }

    var implementation: (any Sendable)? { nil }

    func format(for method: MethodDescriptor) -> PayloadFormat { next.format(for: method) }

    func descriptor(of method: String) -> MethodDescriptor? { next.descriptor(of: method) }

    func perform(_ invocation: Invocation) async throws -> ServicePayload {
        guard try await isHarmless(invocation.method) else {
            throw CallError(.denied, "the reference is for reading only", method: invocation.method)
        }
        return try await next.perform(invocation)
    }

    func send(_ invocation: Invocation) async throws(CallError) {
        throw CallError(.denied, "the reference is for reading only", method: invocation.method)
    }

    private func isHarmless(_ method: String) async throws -> Bool {
        if let descriptor = next.descriptor(of: method) { return descriptor.options.contains(.readOnly) }
        if ReflectionService.methods.contains(where: { $0.name == method && $0.options.contains(.readOnly) }) { return true }
        if let known = known.withLock({ $0 }) { return known.contains(method) }
        // What the object's own side says of it; a proxy's methods are not known here.
        let schema = try await Reference(target: next).schema()
        let methods = Set(schema.methods.filter(\.isReadOnly).map(\.name))
        known.withLock { $0 = methods }
        return methods.contains(method)
    }
}

extension Reference {
    /// A reference to the same object that answers only the methods marked `@ReadOnly` and refuses others with ``CallError/Code/denied``.
    public func readOnly() -> Reference { Reference(target: ReadOnlyTarget(target)) }
}
