import HTTPTypes
import SkerryObjects

/// What `x-amz-copy-source` names.
struct CopySource: Sendable, Equatable {
    var bucket: String
    var key: ObjectKey
    var selector: VersionSelector

    /// Reads `[/]bucket/key[?versionId=id]`, percent-encoded once.
    ///
    /// The query is cut off before decoding, so a key that holds `?` must be sent as `%3F`; a `+` is a plus, as in every path of S3.
    init(_ text: String) throws(S3Error) {
        var path = Array(text.utf8)[...]
        var version: ArraySlice<UInt8>?
        if let mark = path.firstIndex(of: UInt8(ascii: "?")) {
            let query = path[(mark + 1)...]
            guard query.starts(with: "versionId=".utf8) else { throw CopySource.malformed(text) }
            version = query.dropFirst("versionId=".utf8.count)
            path = path[..<mark]
        }
        var decoded: [UInt8] = []
        guard decoded.appendPercentDecoded(path, plusIsSpace: false) == nil else { throw CopySource.malformed(text) }
        if decoded.first == UInt8(ascii: "/") { decoded.removeFirst() }
        guard !decoded.starts(with: "arn:".utf8) else { throw .notImplemented("x-amz-copy-source naming an access point") }
        guard let slash = decoded.firstIndex(of: UInt8(ascii: "/")), slash > 0,
            let bucket = String(validating: decoded[..<slash], as: UTF8.self), slash + 1 < decoded.count
        else { throw CopySource.malformed(text) }
        self.bucket = bucket
        do {
            key = try ObjectKey(Array(decoded[(slash + 1)...]))
        } catch {
            throw S3Error(error)
        }
        selector = try version.map { bytes throws(S3Error) in try VersionSelector(s3: String(decoding: bytes, as: UTF8.self)) } ?? .current
    }

    private static func malformed(_ text: String) -> S3Error {
        .invalidArgument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", name: "x-amz-copy-source", value: text)
    }
}

extension VersionSelector {
    /// Reads a `versionId` as S3 prints it.
    init(s3 text: String) throws(S3Error) {
        if text == "null" {
            self = .null
        } else if let id = VersionID(text) {
            self = .id(id)
        } else {
            throw .invalidArgument("Invalid version id specified", name: "versionId", value: text)
        }
    }
}
