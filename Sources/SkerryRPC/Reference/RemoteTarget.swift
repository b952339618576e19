package import SkerrySession
import SkerryCodec

/// An object that the peer of a session hosts. One per object and session; when it goes, the peer is told.
// `introductions` is touched under the lock of the session, and in `deinit` by nobody else.
package final class RemoteTarget: ReferenceTarget, ImportedObject, @unchecked Sendable {
    let session: Session
    let id: ReferenceID
    var introductions = 1

    init(_ session: Session, _ id: ReferenceID) {
        self.session = session
        self.id = id
    }

    deinit { session.release(id, introductions: introductions) }

    package var implementation: (any Sendable)? { nil }

    package func format(for digest: UInt64, of method: String) -> PayloadFormat { session.format(for: digest, of: method) }

    package func descriptor(of method: String) -> MethodDescriptor? { nil }

    package func perform(_ invocation: Invocation) async throws -> ServicePayload {
        let format = session.options.configuration.encoding == .text ? PayloadFormat.json : nil
        let reply = try await session.call(id, try invocation.adapted(to: format))
        return invocation.digest == 0 || reply.format != .bin ? try reply.transcoded(to: invocation.replyFormat) : reply
    }

    package func send(_ invocation: Invocation) async throws(CallError) {
        try await session.send(id, invocation)
    }
}

extension Invocation {
    /// The same call with arguments the session can carry: calls that are passed on from a session of another encoding are written anew.
    fileprivate func adapted(to format: PayloadFormat?) throws -> Invocation {
        let wanted = format ?? (payload.format == .json ? .cbor : payload.format)
        guard wanted != payload.format, payload.format != .bin else { return self }
        var invocation = self
        invocation.payload = try payload.transcoded(to: wanted)
        return invocation
    }
}

extension ServicePayload {
    /// The same value in another format, as far as the present one describes itself.
    func transcoded(to wanted: PayloadFormat) throws(CallError) -> ServicePayload {
        guard wanted != format, format == .json || format == .cbor, wanted == .json || wanted == .cbor else { return self }
        do {
            var payload = try ServicePayload(decode(Value.self), wanted)
            payload.references = references
            return payload
        } catch {
            throw CallError(.badResult, "the value cannot be passed on: \(error)", path: error.path.description)
        }
    }
}
