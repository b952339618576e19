/// Hooks for tracing: called when a call begins and when it ends, with whatever the first gave for the second.
public struct CallTrace<Span: Sendable>: Interceptor {
    private let begin: @Sendable (Invocation) -> Span
    private let end: @Sendable (Span, (any Error)?) -> Void

    /// - Parameters:
    ///   - begin: opens a span for the call.
    ///   - end: closes it, with the error the call failed with.
    public init(begin: @escaping @Sendable (Invocation) -> Span, end: @escaping @Sendable (Span, (any Error)?) -> Void) {
        self.begin = begin
        self.end = end
    }

    public func intercept(
        _ call: Invocation, next: @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        let span = begin(call)
        do {
            let reply = try await next(call)
            end(span, nil)
            return reply
        } catch {
            end(span, error)
            throw error
        }
    }
}
