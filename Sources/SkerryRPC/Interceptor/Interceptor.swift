import SkerrySession

/// Something that stands around calls: counts them, times them, traces them, holds them back, refuses them.
///
/// Put it around all calls of a session's peer (``SessionOptions/interceptors``) or around one reference (``Reference/intercepted(by:)``). It
/// sees names, flags and encoded arguments, not types.
public protocol Interceptor: Sendable {
    /// Answers the call, usually by calling `next`.
    ///
    /// - Throws: what the call failed with: ``CallError``, or whatever `next` threw, to be thrown on as it is.
    func intercept(
        _ call: Invocation, next: @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload
}

extension [any Interceptor] {
    /// Calls through all of them, the first outermost.
    func perform(
        _ call: Invocation, _ body: @escaping @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        guard let first else { return try await body(call) }
        let rest = Array(dropFirst())
        return try await first.intercept(call) { try await rest.perform($0, body) }
    }
}

extension Reference {
    /// A reference to the same object whose calls pass through `interceptors`, the first outermost.
    ///
    /// Holding it is the only right it gives: it does not lead back to the reference it was made from.
    public func intercepted(by interceptors: any Interceptor...) -> Reference {
        Reference(target: InterceptedTarget(target, interceptors))
    }
}

/// A target with interceptors before it.
final class InterceptedTarget: ReferenceTarget {
    private let next: any ReferenceTarget
    private let interceptors: [any Interceptor]

    init(_ next: any ReferenceTarget, _ interceptors: [any Interceptor]) {
        self.next = next
        self.interceptors = interceptors
    }

    var implementation: (any Sendable)? { nil }

    func format(for method: MethodDescriptor) -> PayloadFormat { next.format(for: method) }

    func descriptor(of method: String) -> MethodDescriptor? { next.descriptor(of: method) }

    func perform(_ invocation: Invocation) async throws -> ServicePayload {
        try await interceptors.perform(invocation) { [next] in try await next.perform($0) }
    }

    func send(_ invocation: Invocation) async throws(CallError) {
        do {
            _ = try await interceptors.perform(invocation) { [next] invocation in
                try await next.send(invocation)
                return ServicePayload(format: .none, bytes: [])
            }
        } catch {
            throw error as? CallError ?? CallError(.remote, "\(error)")
        }
    }
}
