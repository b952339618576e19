internal import Glibc
public import HTTPTypes
public import Logging
public import SkerryHTTP
public import SkerryObjects
import Synchronization

/// What the operator decides about the face.
public struct S3Configuration: Sendable {
    /// The region that scopes of signatures and location constraints must name.
    public var region: String
    /// Domains of virtual-host style: `bucket.domain`. Path style always works.
    public var domains: [String]
    /// `x-amz-id-2` and `HostId`: which server answered.
    public var hostID: String

    public init(region: String = "us-east-1", domains: [String] = [], hostID: String = "skerry") {
        self.region = region
        self.domains = domains
        self.hostID = hostID
    }
}

/// S3 over an ``ObjectStore``: target → signature → operation → reply.
///
/// A value that keeps nothing between requests but the cache of signing keys. Runs on the caller's executor; the one thing it waits for is
/// the store and the request's body. When the task is cancelled an upload under way is aborted.
///
/// Order of refusals: target, signature, operation, then in the operation bucket, owner, header, conditions. The body is asked for last, so
/// `Expect: 100-continue` is answered only when nothing but the bytes can fail any more.
public struct S3Service: HTTPService {
    private let store: ObjectStore
    private let configuration: S3Configuration
    private let domains: EndpointDomains
    private let verifier: SignatureVerifier
    private let observer: (any S3Observer)?
    private let logger: Logger
    private let now: @Sendable () -> Int64

    /// - Parameter now: Wall time for signatures, seconds since 1970.
    public init(
        _ store: ObjectStore, configuration: S3Configuration = S3Configuration(), logger: Logger = Logger(label: "skerry.s3"),
        observer: (any S3Observer)? = nil, now: @escaping @Sendable () -> Int64 = S3Service.wallTime
    ) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        self.observer = observer
        self.now = now
        domains = EndpointDomains(configuration.domains)
        verifier = SignatureVerifier(region: configuration.region)
    }

    /// Seconds since 1970.
    public static let wallTime: @Sendable () -> Int64 = { Int64(time(nil)) }

    public func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        let start = ContinuousClock.now
        var progress = Progress()
        let counted = observer.map { _ in CountedBody(body) }
        var reply: HTTPReply
        var failure: S3Error?
        do {
            reply = try await answer(request, counted ?? body, context, &progress)
        } catch {
            let error = S3Error(error)
            failure = error
            let resource = progress.target?.resource ?? Array((request.path ?? "/").utf8.prefix { $0 != UInt8(ascii: "?") })
            reply = error.reply(
                at: .init(
                    resource: resource, requestID: context.requestID, hostID: configuration.hostID, isHead: request.method == .head))
            log(error, progress.operation, request, context)
        }
        reply.head.headerFields[.amzRequestID] = context.requestID
        reply.head.headerFields[.amzID2] = configuration.hostID
        observer?.answered(
            S3Observation(
                operation: progress.operation, status: reply.head.status.code, errorCode: failure?.code.name,
                bytesReceived: counted?.bytesTaken ?? 0, bytesSent: reply.body.byteCount, duration: ContinuousClock.now - start))
        return reply
    }

    /// How far a request came, for its error's document and the log.
    private struct Progress {
        var target: RequestTarget?
        var operation: S3Operation?
    }

    private func answer(
        _ request: HTTPRequest, _ body: any HTTPRequestBody, _ context: HTTPRequestContext, _ progress: inout Progress
    ) async throws -> HTTPReply {
        let target = try RequestTarget(request, domains: domains)
        progress.target = target
        if request.method == .options { throw S3Error.preflight(request.headerFields) }
        let (authentication, caller) = try authenticate(request, target)
        let request = authentication.isPresigned ? request.withFields(hoistedInto: target.query) : request
        let operation = try S3Route.operation(request, target)
        progress.operation = operation
        let call = S3Call(
            store: store, configuration: configuration, request: request, target: target, authentication: authentication, caller: caller,
            body: body, context: context)
        return try await call.perform(operation)
    }

    private func authenticate(_ request: HTTPRequest, _ target: RequestTarget) throws(SignatureError) -> (Authentication, User?) {
        var caller: User?
        let authentication = try verifier.authenticate(request, target: target, now: AmzDate(seconds: now())) { accessKey in
            guard let (key, user) = store.credential(accessKey) else { return nil }
            caller = user
            return SigningCredential(accessKey: key.id, secretKey: key.secret)
        }
        return (authentication, caller)
    }

    /// One line for each failure: ours at error level with its cause, the client's at debug. Never a secret or a signature.
    private func log(_ error: S3Error, _ operation: S3Operation?, _ request: HTTPRequest, _ context: HTTPRequestContext) {
        let level: Logger.Level = error.code.status >= 500 && error.code != .notImplemented && error.code != .slowDown ? .error : .debug
        guard logger.logLevel <= level else { return }
        var metadata: Logger.Metadata = [
            "request-id": "\(context.requestID)", "peer": "\(context.peer)", "method": "\(request.method)", "code": "\(error.code.name)",
            "status": "\(error.code.status)",
        ]
        if let operation { metadata["operation"] = "\(operation.rawValue)" }
        if let cause = error.cause { metadata["cause"] = "\(cause)" }
        logger.log(level: level, "request failed", metadata: metadata)
    }
}

// MARK: - Private machinery

extension S3Error {
    /// The answer to a browser's question: no bucket has CORS rules yet.
    fileprivate static func preflight(_ fields: HTTPFields) -> S3Error {
        guard fields[.origin] != nil, fields[.accessControlRequestMethod] != nil else {
            return S3Error(.badRequest, "Insufficient information. Origin request header needed.")
        }
        return S3Error(.accessForbidden, "CORSResponse: CORS is not enabled for this bucket.")
    }
}

extension RequestTarget {
    /// As error documents name it: `/bucket/key`, whichever way the bucket was addressed.
    fileprivate var resource: [UInt8] {
        guard let bucket else { return [UInt8(ascii: "/")] }
        return [UInt8(ascii: "/")] + Array(bucket.utf8) + (key.isEmpty ? [] : [UInt8(ascii: "/")] + key)
    }
}

extension Authentication {
    fileprivate var isPresigned: Bool {
        guard case .signed(let signature) = self else { return false }
        return signature.isPresigned
    }
}

extension HTTPRequest {
    private static let signatureParameters: Set<String> = [
        "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature", "x-amz-security-token",
        "x-amz-content-sha256",
    ]

    /// With the `x-amz-*` fields that a presigner moved into the query: they were signed there and mean the same.
    ///
    /// A field that was sent keeps its value.
    fileprivate func withFields(hoistedInto query: QueryItems) -> HTTPRequest {
        var request = self
        for item in query {
            let name = String(decoding: item.name, as: UTF8.self).lowercased()
            guard name.hasPrefix("x-amz-"), !HTTPRequest.signatureParameters.contains(name), let field = HTTPField.Name(name),
                request.headerFields[field] == nil
            else { continue }
            request.headerFields[field] = String(decoding: item.value ?? [], as: UTF8.self)
        }
        return request
    }
}

extension HTTPReply.Body {
    fileprivate var byteCount: UInt64 {
        switch self {
        case .none: 0
        case .bytes(let bytes): UInt64(bytes.count)
        case .file(let regions): regions.reduce(0) { $0 + UInt64($1.count) }
        case .stream(let length, _): length ?? 0
        }
    }
}

/// A body that counts what was taken of it.
private final class CountedBody: HTTPRequestBody {
    private let body: any HTTPRequestBody
    private let count = Atomic<UInt64>(0)

    init(_ body: any HTTPRequestBody) { self.body = body }

    var length: UInt64? { body.length }
    var bytesTaken: UInt64 { count.load(ordering: .relaxed) }

    func next() async throws(HTTPBodyError) -> ArraySlice<UInt8>? {
        guard let piece = try await body.next() else { return nil }
        count.add(UInt64(piece.count), ordering: .relaxed)
        return piece
    }
}
