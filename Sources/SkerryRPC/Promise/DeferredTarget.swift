import SkerryCSP
import SkerrySession

/// What a call will return, where calls through it have to wait for that on this side.
final class DeferredTarget: ReferenceTarget {
    private let method: MethodDescriptor
    private let outcome: Ivar<Result<Reference, any Error>>
    private let task: Task<Void, Never>
    private let hasOneWays = Locked(false)

    /// Begins the call at once.
    convenience init(_ method: MethodDescriptor, _ target: any ReferenceTarget, _ invocation: Invocation) {
        self.init(method) {
            let payload = try await target.perform(invocation)
            return try payload.promisedReference(of: method)
        }
    }

    init(_ method: MethodDescriptor, _ body: @escaping @Sendable () async throws -> Reference) {
        let outcome = Ivar<Result<Reference, any Error>>(waiterLimit: SessionOptions().callersWaiting)
        self.method = method
        self.outcome = outcome
        task = Task.immediate {
            do {
                outcome.fill(.success(try await body()))
            } catch {
                outcome.fill(.failure(method.thrown(error)))
            }
        }
    }

    deinit {
        if !hasOneWays.withLock({ $0 }) { task.cancel() }
    }

    var implementation: (any Sendable)? { nil }

    func format(for method: MethodDescriptor) -> PayloadFormat {
        guard case .success(let reference)? = outcome.peek else { return .cbor }
        return reference.target.format(for: method)
    }

    func descriptor(of method: String) -> MethodDescriptor? {
        guard case .success(let reference)? = outcome.peek else { return nil }
        return reference.target.descriptor(of: method)
    }

    func perform(_ invocation: Invocation) async throws -> ServicePayload {
        try await target().perform(invocation)
    }

    func send(_ invocation: Invocation) async throws(CallError) {
        hasOneWays.withLock { $0 = true }
        try await target().send(invocation)
    }

    func settled() async throws -> (any ReferenceTarget)? { try await read().get().target }

    private func target() async throws(CallError) -> any ReferenceTarget {
        switch try await read() {
        case .success(let reference):
            guard Call.budget > .zero else { throw CallError(.timeout, "the deadline passed while \(method.callName) was awaited") }
            return reference.target
        case .failure(let error): throw CallError(brokenPromise: method.callName, error)
        }
    }

    private func read() async throws(CallError) -> Result<Reference, any Error> {
        do {
            return try await outcome.read()
        } catch is TooManyWaiters {
            throw CallError(.overloaded, "too many calls wait for the result of \(method.callName)")
        } catch {
            throw CallError(.cancelled, "the call was cancelled while \(method.callName) was awaited")
        }
    }
}

extension ServicePayload {
    /// The reference that the result of `method` is.
    func promisedReference(of method: MethodDescriptor) throws(CallError) -> Reference {
        if let reference = references.first as? Reference { return reference }
        throw CallError(
            .badResult, "\(method.callName) returned no reference", service: method.service.name, method: method.name, maybeExecuted: true)
    }
}
