public import HTTPTypes

/// What a request is about: the bucket, the key and the query.
///
/// A key is bytes. It is percent-decoded exactly once and never normalised: `a//b`, `../a`, `a/` and `a%2Fb` sent as `a%252Fb` are keys like
/// any other, and `+` in a path is a plus. The length of the key (1 to 1,024 bytes) and the form of the bucket's name are not judged here.
public struct RequestTarget: Sendable {
    /// Where the bucket's name stands.
    public enum Addressing: Sendable {
        /// First segment of the path.
        case path
        /// First labels of the host.
        case virtualHost
    }

    public let addressing: Addressing
    /// nil when the request is to the service (ListBuckets).
    public let bucket: String?
    /// Empty when the request is to the bucket or the service.
    public let key: [UInt8]
    public let query: QueryItems

    /// The whole path, decoded once: what the canonical path of a signature is made of.
    let path: [UInt8]
    /// The path as sent, kept only when it holds an escaped slash, which decoding cannot tell from a plain one.
    let pathWithEscapedSlash: [UInt8]?

    /// Reads the target and the host of a request.
    public init(_ request: HTTPRequest, domains: EndpointDomains = EndpointDomains()) throws(RequestTargetError) {
        guard let target = request.pseudoHeaderFields.path?.withUnsafeBytesOfValue({ Array($0) }) else { throw .missing }
        let host = request.hostField?.withUnsafeBytesOfValue { Array($0) } ?? []
        try self.init(target: target[...], host: host[...], domains: domains)
    }

    /// Reads a raw target (`/bucket/key?query`, or an absolute `http` URI as a proxy sends it) and a raw `Host` value.
    ///
    /// - Complexity: O(n) for n bytes.
    public init(target: ArraySlice<UInt8>, host: ArraySlice<UInt8>, domains: EndpointDomains) throws(RequestTargetError) {
        let origin = try OriginForm(target, host: host)
        var path: [UInt8] = []
        path.reserveCapacity(origin.path.count)
        if let broken = path.appendPercentDecoded(origin.path, plusIsSpace: false) {
            throw .invalidEscape(offset: broken - target.startIndex)
        }
        let query: QueryItems
        do {
            query = try QueryItems(decoding: origin.query)
        } catch {
            guard case .invalidEscape(let offset) = error else { throw error }
            throw .invalidEscape(offset: offset - target.startIndex)
        }

        let keyStart: Int
        if let bucket = domains.bucket(inHost: origin.host) {
            self.bucket = try Self.bucketName(bucket)
            addressing = .virtualHost
            keyStart = 1
        } else {
            let end = path[1...].firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
            if end == 1, path.count > 1 { throw .emptyBucketName }
            bucket = end == 1 ? nil : try Self.bucketName(path[1..<end])
            addressing = .path
            keyStart = Swift.min(end + 1, path.endIndex)
        }
        key = Array(path[keyStart...])
        self.query = query
        self.path = path
        pathWithEscapedSlash = Self.holdsEscapedSlash(origin.path) ? Array(origin.path) : nil
    }

    // MARK: - Private machinery

    private static func bucketName(_ bytes: ArraySlice<UInt8>) throws(RequestTargetError) -> String {
        guard let name = String(validating: bytes, as: UTF8.self) else { throw .invalidBucketName }
        return name
    }

    private static func holdsEscapedSlash(_ path: ArraySlice<UInt8>) -> Bool {
        var rest = path
        while let escape = rest.firstIndex(of: UInt8(ascii: "%")) {
            rest = rest[(escape + 1)...]
            if rest.count >= 2, rest[escape + 1] == UInt8(ascii: "2"), rest[escape + 2] | 0x20 == UInt8(ascii: "f") { return true }
        }
        return false
    }
}

/// The parts of a target, still encoded.
///
/// A server must accept the absolute form and then take the host from it (RFC 9112, section 3.2.2).
private struct OriginForm {
    var path: ArraySlice<UInt8>
    /// Without the `?`; empty when there is none.
    var query: ArraySlice<UInt8>
    var host: ArraySlice<UInt8>

    init(_ target: ArraySlice<UInt8>, host: ArraySlice<UInt8>) throws(RequestTargetError) {
        var target = target
        self.host = host
        if target.first != UInt8(ascii: "/") {
            guard let authority = Self.startOfAuthority(target) else { throw .notAPath }
            let end = target[authority...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? target.endIndex
            self.host = target[authority..<end]
            target = target[end...]
        }
        let mark = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        path = target[..<mark]
        query = target[mark...].dropFirst()
        // `http://host` and `http://host?acl` mean the path `/`.
        if path.isEmpty { path = [UInt8(ascii: "/")] }
    }

    private static func startOfAuthority(_ target: ArraySlice<UInt8>) -> Int? {
        for scheme in ["http://", "https://"] {
            let start = target.prefix(scheme.utf8.count)
            if start.elementsEqual(scheme.utf8, by: { $0 == $1 || $0 | 0x20 == $1 && $0 >= UInt8(ascii: "A") }) { return start.endIndex }
        }
        return nil
    }
}

extension HTTPRequest {
    /// The `Host` header, or `:authority`, to which a server may have moved it.
    var hostField: HTTPField? {
        headerFields.first { $0.name.canonicalName == "host" } ?? pseudoHeaderFields.authority
    }
}
