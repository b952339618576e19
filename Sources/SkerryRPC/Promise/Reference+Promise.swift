public import SkerrySession

extension Reference {
    /// Calls `method` and gives what it will return, at once.
    ///
    /// Calls through the result travel behind this one without waiting for its answer, so a chain of dependent calls takes one round trip. Clients
    /// have a shorter form where a method returns a reference:
    ///
    /// ```swift
    /// let state = try await house.promise.door("front").promise.lock().state()     // three calls, one round trip
    /// ```
    ///
    /// The deadline of the surrounding ``Call`` scope holds for this call, from now. It is called off when the last holder of the result lets go of it before
    /// the answer came, unless one-way calls were made through it. When it fails, calls through the result fail with
    /// ``CallError/Code/brokenPromise``, which names it in ``CallError/promise``; ``settled()`` throws what it failed with. Where something stands between this
    /// reference and its object (an interceptor, a limit), or the object lives in this process, calls through the result wait for it on this side.
    ///
    /// - Complexity: as a call; nothing is waited for. Most calls that may be queued on a session bound it as they bound others.
    @inlinable
    public func promise<Arguments, Result: Promisable>(_ method: ServiceMethod<Arguments, Result>, _ arguments: Arguments) -> Result {
        let descriptor = method.descriptor
        do throws(CallError) {
            // The binary format may be refused by an object of another version, and nobody waits here to ask again.
            let format: PayloadFormat = format(for: descriptor) == .json ? .json : .cbor
            return .promised(promise(descriptor, try encode(arguments, of: descriptor, as: format)))
        } catch {
            return .promised(promise(descriptor, failing: error))
        }
    }

    @usableFromInline
    func promise(_ method: MethodDescriptor, _ payload: ServicePayload) -> Reference {
        Reference(target: target.promise(Invocation(method, payload), of: method))
    }

    @usableFromInline
    func promise(_ method: MethodDescriptor, failing error: CallError) -> Reference {
        Reference(target: DeferredTarget(method) { () throws(CallError) in throw error })
    }

    /// The object itself, once the call that promises it has answered; this reference at once when it was not promised.
    ///
    /// Unlike a promise the result is equal to other references to the same object, and a client of an object of this process calls it directly.
    ///
    /// - Throws: what the call failed with: an error its service declares, as itself, or ``CallError``. Code
    ///   ``CallError/Code/cancelled`` when the waiting task is cancelled, which does not call the call off.
    public func settled() async throws -> Reference {
        try await target.settled().map { Reference(target: $0) } ?? self
    }
}

extension ServiceClient {
    /// A client of the object itself, once the call that promises it has answered; see ``Reference/settled()``.
    public func settled() async throws -> Self { Self(try await reference.settled()) }
}

extension MethodDescriptor {
    /// How errors name a call of the method.
    var callName: String { "\(service.name).\(name)" }
}

extension CallError {
    /// The error of a call whose target was to be the result of `call`, which failed. In a chain all name the call that failed first.
    init(brokenPromise call: String, _ cause: any Error, maybeExecuted: Bool = false) {
        if let cause = cause as? CallError, cause.code == .brokenPromise {
            self.init(.brokenPromise, cause.message, promise: cause.promise, maybeExecuted: maybeExecuted)
            return
        }
        self.init(.brokenPromise, "\(call) was to return the target and failed: \(cause)", promise: call, maybeExecuted: maybeExecuted)
    }
}
