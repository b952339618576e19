import Crypto
import HTTPTypes
import Logging
import SkerryChunks
import SkerryHTTP
import SkerryObjects
import SkerryStorage
import Testing

@testable import SkerryS3

/// The whole face over a store in memory, called without a socket by clients that sign.
struct Endpoint: Sendable {
    let store: ObjectStore
    let service: S3Service
    let region: String

    /// A user with a key pair.
    struct Person: Sendable {
        var id: String
        var name: String
        var accessKey: String
        var secret: String

        static let main = Person(id: "main-id", name: "Main", accessKey: "MAINKEY", secret: "main-secret")
        static let other = Person(id: "other-id", name: "Other", accessKey: "OTHERKEY", secret: "other-secret")
        static let root = Person(id: "root-id", name: "Root", accessKey: "ROOTKEY", secret: "root-secret")
    }

    init(region: String = "us-east-1", domains: [String] = [], observer: (any S3Observer)? = nil) async throws {
        self.region = region
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        store = try await ObjectStore.open(
            metadata: MemoryMetadataEngine(), packs: try PackLog(files: MemoryFileLayer(), directory: "/packs"), blocking: InlineExecutor(),
            logger: logger)
        for person in [Person.main, .other, .root] {
            _ = try await store.createUser(id: person.id, displayName: person.name, email: "", isRoot: person.id == Person.root.id)
            _ = try await store.createAccessKey(user: person.id, id: person.accessKey, secret: person.secret)
        }
        service = S3Service(
            store, configuration: S3Configuration(region: region, domains: domains), logger: logger, observer: observer,
            now: { exampleDate.seconds })
    }

    /// Sends a request signed by `person` over the SHA-256 of its body; nil: anonymous.
    @discardableResult
    func send(
        _ method: String, _ path: String, _ query: [String: String] = [:], _ headers: [String: String] = [:], body: [UInt8] = [],
        as person: Person? = .main
    ) async throws -> CollectedReply {
        try await send(request(method, path, query, headers, body: body, as: person), body: PiecesBody(bytes: body))
    }

    func send(_ request: HTTPRequest, body: any HTTPRequestBody) async throws -> CollectedReply {
        try await InProcessClient(service).send(request, body: body)
    }

    func request(
        _ method: String, _ path: String, _ query: [String: String] = [:], _ headers: [String: String] = [:], body: [UInt8] = [],
        payload: String? = nil, as person: Person? = .main
    ) -> HTTPRequest {
        let query = query.sorted { $0.key < $1.key }.map { (Array($0.key.utf8), Array($0.value.utf8)) }
        let signer = ReferenceSigner(region: region, secret: person?.secret ?? "", accessKey: person?.accessKey ?? "")
        let digest = payload ?? ReferenceSigner.hex(SHA256.hash(data: body))
        let headers = headers.map { ($0.key.lowercased(), $0.value) }
        var request = signer.request(method, path: Array(path.utf8), query: query, headers: headers, payload: digest)
        if person == nil {
            request.headerFields[.authorization] = nil
            request.headerFields = request.headerFields.filter { !$0.name.canonicalName.hasPrefix("x-amz-date") }
        }
        request.headerFields[.contentLength] = "\(body.count)"
        return request
    }

    // MARK: Shorthands

    @discardableResult
    func put(_ path: String, _ body: String = "bar", _ headers: [String: String] = [:]) async throws -> CollectedReply {
        let reply = try await send("PUT", path, [:], headers, body: Array(body.utf8))
        #expect(reply.status == 200, "\(reply.text)")
        return reply
    }

    func makeBucket(_ name: String = "bucket", versioning: String? = nil, as person: Person = .main) async throws {
        let reply = try await send("PUT", "/\(name)", as: person)
        try #require(reply.status == 200, "\(reply.text)")
        if let versioning { try await setVersioning(versioning, name) }
    }

    func setVersioning(_ status: String, _ bucket: String = "bucket") async throws {
        let document = "<VersioningConfiguration><Status>\(status)</Status></VersioningConfiguration>"
        let reply = try await send("PUT", "/\(bucket)", ["versioning": ""], body: Array(document.utf8))
        try #require(reply.status == 200, "\(reply.text)")
    }

    func delete(_ document: String, _ headers: [String: String]? = nil, bucket: String = "bucket") async throws -> CollectedReply {
        let body = Array(document.utf8)
        return try await send("POST", "/\(bucket)", ["delete": ""], headers ?? ["content-md5": MD5Digest(of: body).base64], body: body)
    }

    func beginUpload(_ path: String, _ headers: [String: String] = [:]) async throws -> String {
        let reply = try await send("POST", path, ["uploads": ""], headers)
        try #require(reply.status == 200, "\(reply.text)")
        return try #require(reply["UploadId"])
    }

    @discardableResult
    func putPart(_ number: Int, _ path: String, _ upload: String, _ body: [UInt8], _ headers: [String: String] = [:]) async throws
        -> CollectedReply
    {
        try await send("PUT", path, ["partNumber": "\(number)", "uploadId": upload], headers, body: body)
    }

    func complete(_ path: String, _ upload: String, _ parts: [(Int, String)], _ headers: [String: String] = [:]) async throws
        -> CollectedReply
    {
        let list = parts.map { "<Part><PartNumber>\($0.0)</PartNumber><ETag>\($0.1)</ETag></Part>" }.joined()
        return try await send(
            "POST", path, ["uploadId": upload], headers, body: Array("<CompleteMultipartUpload>\(list)</CompleteMultipartUpload>".utf8))
    }
}

extension CollectedReply {
    var status: Int { head.status.code }

    func header(_ name: String) -> String? { head.headerFields[HTTPField.Name(name)!] }

    var etag: String { header("etag") ?? "" }
    var version: String? { header("x-amz-version-id") }

    /// Texts of all elements called `name` without attributes, in order, entities as they stand.
    func all(_ name: String) -> [String] {
        text.components(between: "<\(name)>", and: "</\(name)>")
    }

    /// Text of the first element called `name`.
    subscript(name: String) -> String? { all(name).first }

    /// Status and S3's code of an error document.
    var failure: Failure { Failure(status: status, code: self["Code"] ?? "") }
}

struct Failure: Equatable, CustomStringConvertible {
    var status: Int
    var code: String

    init(status: Int, code: String) {
        self.status = status
        self.code = code
    }

    init(_ status: Int, _ code: String) { self.init(status: status, code: code) }

    var description: String { "\(status) \(code)" }
}

extension String {
    func components(between start: String, and end: String) -> [String] {
        var rest = self[...]
        var found: [String] = []
        while let opening = rest.firstRange(of: start) {
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstRange(of: end) else { break }
            found.append(String(rest[..<closing.lowerBound]))
            rest = rest[closing.upperBound...]
        }
        return found
    }
}

/// Bytes that repeat nothing within their length, the same for the same seed.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}
