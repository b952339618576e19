public import SkerryWire

extension Reference {
    /// A reference to an object of a peer that may be gone for a while, over as many sessions as that takes.
    ///
    /// The first call opens a session, and so does the first one after that session was lost. A call that failed is made again, over a new session where the old one
    /// is lost, when
    /// - the peer was lost or is going away, or refused the call for now and said for how long;
    /// - and the call was certainly not executed, or its method is `@Idempotent` or `@ReadOnly`: other calls that may have been executed fail as
    ///   they would without retries. So do those that handed over ends of channels, whatever their method, because elements may have come through them;
    /// - and ``RetryPolicy/attemptMaximum``, ``RetryPolicy/budget`` and the deadline of the surrounding ``Call`` scope allow it. All
    ///   attempts of a call, and looking for the peer, share that deadline, or ``Call/deadlineDefault``.
    ///
    /// ```swift
    /// let arith = ArithClient.retrying(to: connector) { session in try await session.root.get(ArithService.self, "arith") }
    /// try await arith.succ(1)                  // @Idempotent: answered although the peer restarts meanwhile
    /// ```
    ///
    /// The error of a call that was tried several times is that of the last attempt, with ``CallError/maybeExecuted`` if any attempt may have been executed.
    /// References that calls return belong to the session they came over and end with it. Interceptors that are to see each attempt belong around what
    /// `locate` returns, those that are to see each call around the result.
    ///
    /// The sessions belong to the reference: the present one is closed when nobody holds the reference any more. When ``RetryPolicy/reconnect`` gives up, all calls
    /// fail with ``CallError/Code/peerLost`` from then on.
    ///
    /// - Parameters:
    ///   - connector: leads to the peer, or to one of several of which each will do.
    ///   - options: those of the sessions; their clock is also that of the back-off.
    ///   - locate: finds the object in a session that was just opened. When it throws, the session is closed; it is tried again after `peerLost`,
    ///     `goingAway`, `timeout` and `overloaded`, and after errors of links that are retryable.
    /// - Complexity: a call costs one short lock more than without. Nothing is sent before the first call.
    public static func retrying(
        to connector: any Connector, options: SessionOptions = SessionOptions(), policy: RetryPolicy = RetryPolicy(),
        _ locate: @escaping @Sendable (Session) async throws -> Reference
    ) -> Reference {
        let connection = RetryConnection(policy: policy, options: options) {
            let session = try await Session.open(to: connector, options: options)
            do {
                return RetryConnection.Place(session: session, reference: try await locate(session))
            } catch {
                await session.close()
                throw error
            }
        }
        return Reference(target: RetryingTarget(connection))
    }
}

extension ServiceClient {
    /// A client of an object of a peer that may be gone for a while; see ``Reference/retrying(to:options:policy:_:)``.
    public static func retrying(
        to connector: any Connector, options: SessionOptions = SessionOptions(), policy: RetryPolicy = RetryPolicy(),
        _ locate: @escaping @Sendable (Session) async throws -> Self
    ) -> Self {
        Self(.retrying(to: connector, options: options, policy: policy) { try await locate($0).reference })
    }
}
