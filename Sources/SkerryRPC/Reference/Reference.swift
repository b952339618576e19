public import SkerryCodec
public import SkerrySession

/// A thing that can be called, in this process or another: the right to call it, and nothing else.
///
/// A reference names an object by holding it. Passed as an argument, a result or an element of a channel, it stays where it is and the other
/// side gets a reference of its own; sent back, that one is the original again. When the last reference to a remote object is gone, the object's
/// side is told at once and lets go of it.
///
/// Typed clients (`ArithClient`) wrap a reference; a client of a reference to an object in this process calls it directly.
///
/// - Note: references in a circle over several processes keep each other alive until their session ends.
public final class Reference: Sendable {
    package let target: any ReferenceTarget
    /// The target, where it is an object behind a session and nothing in between.
    private let remote: RemoteTarget?

    package init(target: any ReferenceTarget) {
        self.target = target
        remote = target as? RemoteTarget
    }

    /// A reference to an object in this process.
    public convenience init<Dispatcher: ServiceDispatcher>(_ dispatcher: Dispatcher) {
        self.init(target: LocalTarget(dispatcher))
    }

    /// The object itself, when it lives in this process and calls need not pass through anything.
    public var implementation: (any Sendable)? { target.implementation }
}

// MARK: - Calling

extension Reference {
    /// Calls `method` and waits for its result.
    ///
    /// The deadline of the surrounding ``Call`` scope holds, or ``Call/deadlineDefault``. A cancelled caller returns at once and the callee is told.
    ///
    /// - Throws: an error the service declares, as itself; ``CallError`` for everything else.
    @inlinable @discardableResult
    public func call<Arguments, Result>(
        _ method: ServiceMethod<Arguments, Result>, _ arguments: Arguments
    ) async throws -> Result {
        let descriptor = method.descriptor
        let payload: ServicePayload
        do {
            payload = try await perform(descriptor, encode(arguments, of: descriptor, as: format(for: descriptor)))
        } catch let error as CallError where error.code == .digestMismatch {
            // Not begun. The binary format was agreed upon with another object behind the same session.
            payload = try await perform(descriptor, encode(arguments, of: descriptor, as: .cbor), after: error)
        }
        do throws(ShapeError) {
            return try payload.decode(Result.self)
        } catch {
            throw CallError(badResult: error, of: descriptor)
        }
    }

    /// Calls a one-way `method`: returns when the call is queued, in order with the other calls of this reference.
    ///
    /// - Throws: ``CallError`` when it could not be queued. What becomes of it later nobody says.
    @inlinable
    public func send<Arguments>(_ method: ServiceMethod<Arguments, NoValue>, _ arguments: Arguments) async throws(CallError) {
        let descriptor = method.descriptor
        try await post(descriptor, encode(arguments, of: descriptor, as: format(for: descriptor)))
    }

    @inlinable
    func encode<Arguments: Shaped>(
        _ arguments: borrowing Arguments, of method: MethodDescriptor, as format: PayloadFormat
    ) throws(CallError) -> ServicePayload {
        do throws(ShapeError) {
            return try ServicePayload(arguments, format, mayHoldReferences: method.argumentsMayHoldReferences)
        } catch {
            throw CallError(badArgument: error, of: method)
        }
    }

    @usableFromInline
    func format(for method: MethodDescriptor) -> PayloadFormat {
        target.format(for: method)
    }

    @usableFromInline
    func perform(_ method: MethodDescriptor, _ payload: ServicePayload) async throws -> ServicePayload {
        do {
            let invocation = Invocation(method, payload)
            // Each level of asynchronous functions between a caller and its reply costs a good part of what the call does.
            if let remote, remote.session.carries(invocation) { return try await remote.session.call(remote.id, invocation) }
            return try await target.perform(invocation)
        } catch {
            throw method.thrown(error)
        }
    }

    /// Calls again, after an attempt that failed.
    @usableFromInline
    func perform(_ method: MethodDescriptor, _ payload: ServicePayload, after former: CallError) async throws -> ServicePayload {
        do {
            return try await perform(method, payload)
        } catch var error as CallError {
            error.maybeExecuted = error.maybeExecuted || former.maybeExecuted
            throw error
        }
    }

    @usableFromInline
    func post(_ method: MethodDescriptor, _ payload: ServicePayload) async throws(CallError) {
        do throws(CallError) {
            try await target.send(Invocation(method, payload))
        } catch {
            throw error.located(service: method.service.name, method: method.name)
        }
    }
}

extension Invocation {
    init(_ method: MethodDescriptor, _ payload: ServicePayload) {
        self.init(
            of: method, method: method.name, digest: method.digest.rawValue, options: method.options, payload: payload,
            replyFormat: payload.format, requestID: method.options.contains(.durable) ? RequestID.current ?? .random() : nil)
    }
}

extension MethodDescriptor {
    /// What a caller of the method sees of an error of a target.
    func thrown(_ error: any Error) -> any Error {
        switch error {
        case let failure as DeclaredFailure: declaredError(failure)
        case let error as CallError: error.located(service: service.name, method: name)
        case is CancellationError:
            CallError(.cancelled, "the call was cancelled", service: service.name, method: name, maybeExecuted: true)
        default: error
        }
    }

    /// The error as the interface declares it, or ``CallError`` when it does not.
    func declaredError(_ failure: DeclaredFailure) -> any Error {
        guard let declared = service.errors.first(where: { $0.name == failure.name }) else {
            return CallError(.remote, failure.name, service: service.name, method: name, maybeExecuted: true)
        }
        do throws(ShapeError) {
            return try declared.decode(failure.payload)
        } catch {
            return CallError(badResult: error, of: self)
        }
    }
}

// MARK: - What every reference answers

extension Reference {
    /// Asks whether the object is there and answers.
    public func ping() async throws { try await call(ReflectionService.ping, NoValue()) }

    /// The description of the service behind this reference.
    public func schema() async throws -> ServiceSchema { try await call(ReflectionService.schema, NoValue()) }

    /// The methods of the service, each with a text for people: parameters, result and documentation.
    public func commands() async throws -> [String: String] { try await call(ReflectionService.commands, NoValue()) }

    /// Calls a method by its wire name with values that describe themselves; for tools, and for handlers without an interface.
    ///
    /// - Parameter arguments: a record or map from parameter names to values.
    public func invoke(_ method: String, _ arguments: Value) async throws -> Value {
        do {
            let payload = try ServicePayload(arguments, .cbor)
            let result = try await target.perform(Invocation(method: method, digest: 0, options: [], payload: payload))
            return try result.decode(Value.self)
        } catch let error as CallError {
            throw error.located(service: "", method: method)
        } catch let failure as DeclaredFailure {
            let text = (try? failure.payload.decode(Value.self)).map { "\(failure.name) \($0)" } ?? failure.name
            throw CallError(.remote, text, method: method, maybeExecuted: true)
        } catch let error as ShapeError {
            throw CallError(.badResult, error.description, method: method, path: error.path.description, maybeExecuted: true)
        }
    }
}

// MARK: - Identity

extension Reference: Hashable {
    /// Whether both are the same object: of this process, or the same one behind the same session.
    public static func == (left: Reference, right: Reference) -> Bool { left.target === right.target }

    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(target)) }
}

// MARK: - As a value

extension Reference: Shaped {
    public static var shape: Shape { .reference(.service("")) }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        try writer.write(reference: self, shape: .service(""))
    }

    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Reference {
        try reader.readService("")
    }
}

extension ShapeReader where Self: ~Copyable {
    /// Reads a reference to a service.
    @inlinable
    public mutating func readService(_ name: String) throws(ShapeError) -> Reference {
        let start = offset
        guard let reference = try readReference(.service(name)) as? Reference else {
            throw ShapeError(.badReference, "a channel end where a service belongs", at: start)
        }
        return reference
    }
}

extension ServiceClient {
    public static var shape: Shape { .reference(.service(Service.name)) }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        try writer.write(reference: reference, shape: .service(Service.name))
    }

    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        Self(try reader.readService(Service.name))
    }
}
