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

    package func format(for method: MethodDescriptor) -> PayloadFormat { session.format(for: method) }

    package func descriptor(of method: String) -> MethodDescriptor? { nil }

    package func perform(_ invocation: Invocation) async throws -> ServicePayload {
        try await session.perform(invocation, at: id)
    }

    package func send(_ invocation: Invocation) async throws(CallError) {
        try await session.send(id, try invocation.adapted(to: session))
    }

    package func promise(_ invocation: Invocation, of method: MethodDescriptor) -> any ReferenceTarget {
        session.promise(id, invocation, of: method)
    }
}

extension Session {
    /// Calls, written anew where the session cannot carry the call as it is, and gives the result as the caller wants it.
    ///
    /// - Parameter promise: the result that is called, in place of `target`.
    func perform(_ invocation: Invocation, at target: ReferenceID, _ promise: PromisedResult? = nil) async throws -> ServicePayload {
        do {
            if carries(invocation) { return try await call(target, invocation, promise) }
            return try await call(target, try invocation.adapted(to: self), promise).transcoded(to: invocation.replyFormat)
        } catch let failure as DeclaredFailure {
            throw DeclaredFailure(name: failure.name, payload: try failure.payload.transcoded(to: invocation.replyFormat))
        }
    }

    /// Whether a call can go as it is, and its reply come so.
    func carries(_ invocation: Invocation) -> Bool {
        let format = invocation.payload.format
        return format == invocation.replyFormat && (format == .bin || isText == (format == .json))
    }
}

extension Invocation {
    /// The same call as the session can carry it: calls that are passed on from a session of another encoding, or from HTTP, are written anew.
    func adapted(to session: Session) throws(CallError) -> Invocation {
        let wanted: PayloadFormat = session.isText ? .json : payload.format == .json ? .cbor : payload.format
        guard wanted != payload.format || replyFormat == .json, payload.format != .bin else { return self }
        // Without a digest the answer describes itself, so that it can be written anew too.
        return Invocation(
            method: method, digest: replyFormat == .json && !session.isText ? 0 : digest, options: options,
            payload: try payload.transcoded(to: wanted), replyFormat: replyFormat, requestID: requestID)
    }
}

extension ServicePayload {
    /// The same value in another format, as far as the present one describes itself.
    func transcoded(to wanted: PayloadFormat) throws(CallError) -> ServicePayload {
        guard wanted != format, format == .json || format == .cbor, wanted == .json || wanted == .cbor else { return self }
        do {
            let value = try decode(Value.self)
            // What is bytes in CBOR is a string in JSON, as typed values have it.
            var payload = wanted == .json ? try ServicePayload(PlainValue(value), wanted) : try ServicePayload(value, wanted)
            payload.references = references
            return payload
        } catch {
            throw CallError(.badResult, "the value cannot be passed on: \(error)", path: error.path.description)
        }
    }
}
