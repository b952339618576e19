package import SkerrySession
import SkerryCodec

/// An object in this process.
package final class LocalTarget<Dispatcher: ServiceDispatcher>: ReferenceTarget {
    private let dispatcher: Dispatcher
    private let methods: MethodTable

    init(_ dispatcher: Dispatcher) {
        self.dispatcher = dispatcher
        methods = .of(Dispatcher.Service.self)
    }

    package var implementation: (any Sendable)? { dispatcher.implementation }

    package func format(for method: MethodDescriptor) -> PayloadFormat { .bin }

    package func descriptor(of method: String) -> MethodDescriptor? { methods[method] }

    package var table: MethodTable? { methods }

    package func perform(_ invocation: Invocation) async throws -> ServicePayload {
        guard let method = methods.method(of: invocation) else {
            throw CallError(.noSuchMethod, "\(methods.service.name) has no method \(invocation.method)", service: methods.service.name)
        }
        if invocation.payload.format == .bin, invocation.digest != method.digest.rawValue {
            throw CallError(.digestMismatch, "\(invocation.method) has another shape here", service: methods.service.name)
        }
        let call = ServiceCall(index: method.index, payload: invocation.payload, replyFormat: invocation.replyFormat)
        do {
            let reply = method.service == Dispatcher.Service.self ? try await dispatcher.dispatch(call) : try await reflect(call)
            if let payload = reply.payload { return payload }
            return try ServicePayload(NoValue(), invocation.replyFormat)
        } catch let error as CallError {
            throw error.fromImplementation.located(service: methods.service.name, method: method.name)
        } catch is CancellationError {
            throw CallError(
                .cancelled, "the callee was cancelled", service: methods.service.name, method: method.name, maybeExecuted: true)
        } catch {
            throw declared(error, method, invocation.replyFormat)
        }
    }

    package func send(_ invocation: Invocation) async throws(CallError) {
        // Begins at once and runs beside the caller, as it would behind a session.
        Task.immediate { _ = try? await perform(invocation) }
    }

    /// What leaves the process of an error: its value when it is declared, else its text.
    private func declared(_ error: any Error, _ method: MethodDescriptor, _ format: PayloadFormat) -> any Error {
        // Errors are rare, and the caller may declare another version of them: so never positional.
        let format = format == .bin ? PayloadFormat.cbor : format
        for declared in Dispatcher.Service.errors {
            if let payload = declared.encode(error, format) { return DeclaredFailure(name: declared.name, payload: payload) }
        }
        return CallError(.remote, "\(error)", service: methods.service.name, method: method.name, maybeExecuted: true)
    }

    /// Answers what every reference answers.
    private func reflect(_ call: ServiceCall) async throws -> ServiceReply {
        switch call.index {
        case 0:
            return try call.reply(to: ReflectionService.ping, NoValue())
        case 1:
            return try call.reply(to: ReflectionService.schema, Dispatcher.Service.schema)
        case 2:
            return try call.reply(to: ReflectionService.commands, Dispatcher.Service.schema.commands)
        default:
            let name = try call.arguments(of: ReflectionService.removedFromRoot).name
            if let observer = dispatcher.implementation as? any RemovalObserving { await observer.removedFromRoot(name) }
            return .none
        }
    }
}

extension CallError {
    /// An error of a call the implementation made itself, as its own caller sees it: that a third party was lost does not mean that
    /// this session is, and that the third party was not called does not mean that the implementation was not.
    fileprivate var fromImplementation: CallError {
        guard !service.isEmpty else { return self }
        switch code {
        case .peerLost, .closed, .noSuchMethod, .digestMismatch, .brokenPromise:
            return CallError(.remote, description, path: path, maybeExecuted: true, retryAfter: retryAfter)
        case _ where code.argumentPosition != nil:
            // Maybe the dispatcher's, which found it before the implementation was asked.
            return self
        default:
            var error = self
            error.maybeExecuted = true
            return error
        }
    }
}
