import SkerrySession

/// What a reference leads to that leads nowhere.
final class NothingTarget: ReferenceTarget {
    static let shared = NothingTarget()

    var implementation: (any Sendable)? { nil }

    func format(for method: MethodDescriptor) -> PayloadFormat { .cbor }

    func descriptor(of method: String) -> MethodDescriptor? { nil }

    func perform(_ invocation: Invocation) async throws -> ServicePayload { throw error }

    func send(_ invocation: Invocation) async throws(CallError) { throw error }

    private var error: CallError { CallError(.noSuchReference, "the reference leads to nothing") }
}

extension Reference {
    /// A reference that every call finds dead. The root of a side that offers nothing.
    public static let nothing = Reference(target: NothingTarget.shared)
}
