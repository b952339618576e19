public import SkerryCodec
public import SkerrySession

/// One call as a dispatcher sees it: which method, and its arguments, not yet read.
public struct ServiceCall: Sendable {
    /// The dense index of the method in its service.
    public let index: Int
    /// The arguments as they came.
    public let payload: ServicePayload
    /// How the result is to be written.
    public let replyFormat: PayloadFormat

    public init(index: Int, payload: ServicePayload, replyFormat: PayloadFormat) {
        self.index = index
        self.payload = payload
        self.replyFormat = replyFormat
    }

    /// Reads the arguments of `method`.
    ///
    /// - Throws: ``CallError`` with code ``CallError/Code/badArgument(position:)``, the path and the reason.
    @inlinable
    public func arguments<Arguments, Result>(of method: ServiceMethod<Arguments, Result>) throws(CallError) -> Arguments {
        do throws(ShapeError) {
            return try payload.decode(Arguments.self)
        } catch {
            throw CallError(badArgument: error, of: method.descriptor)
        }
    }

    /// Writes the result of `method`, as the caller wants it.
    @inlinable
    public func reply<Arguments, Result>(
        to method: ServiceMethod<Arguments, Result>, _ value: borrowing Result
    ) throws(CallError) -> ServiceReply {
        do throws(ShapeError) {
            return ServiceReply(try ServicePayload(value, replyFormat, mayHoldReferences: method.descriptor.resultMayHoldReferences))
        } catch {
            throw CallError(badResult: error, of: method.descriptor)
        }
    }

    /// What a dispatcher throws for an index it does not have. Cannot happen to calls that came through a reference.
    public var unknownMethod: CallError { CallError(.noSuchMethod, "no method has the index \(index)") }
}

/// What a dispatcher answers.
public struct ServiceReply: Sendable {
    /// The result; nil for a method that answers nothing.
    public var payload: ServicePayload?

    @inlinable
    public init(_ payload: ServicePayload?) {
        self.payload = payload
    }

    /// The answer of a one-way method.
    public static let none = ServiceReply(nil)
}

extension CallError {
    /// The error for arguments that could not be written or read.
    @usableFromInline
    init(badArgument error: ShapeError, of method: MethodDescriptor) {
        self.init(
            .badArgument(position: method.position(of: error.path)), error.description, service: method.service.name, method: method.name,
            path: error.path.description)
    }

    /// The error for a result that could not be written or read.
    @usableFromInline
    init(badResult error: ShapeError, of method: MethodDescriptor) {
        self.init(
            .badResult, error.description, service: method.service.name, method: method.name, path: error.path.description,
            maybeExecuted: true)
    }
}
