import HTTPTypes
import SkerryChunks
import SkerryObjects

/// What a request says about checksums of the bytes it brings.
///
/// The algorithm is known before the first byte: from a value in the header, from the trailer that is announced, or from
/// `x-amz-sdk-checksum-algorithm`. Where nothing is said it is CRC64NVME, S3's default.
struct ChecksumFields: Sendable, Equatable {
    /// The algorithm to compute; nil when the client named none.
    var algorithm: ChecksumAlgorithm?
    /// What the client says the bytes have, where it is in the header.
    var value: ChecksumValue?
    /// `Content-MD5`.
    var md5: MD5Digest?

    /// - Parameter trailers: Names announced in `x-amz-trailer`, lower case.
    /// - Throws: `InvalidDigest` for an unreadable Content-MD5, `BadDigest` for an unreadable checksum, `InvalidRequest` when more than one
    ///   checksum is named or the algorithm is unknown.
    init(_ fields: HTTPFields, trailers: [String] = []) throws(S3Error) {
        md5 = try ChecksumFields.contentMD5(fields)
        value = try ChecksumFields.value(fields)
        if let value { algorithm = value.algorithm }
        for name in trailers {
            let announced = try ChecksumFields.algorithm(ofHeader: name)
            guard value == nil, trailers.count == 1 else {
                throw S3Error(.invalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
            }
            algorithm = announced
        }
        if let name = fields.trimmed(.amzSDKChecksumAlgorithm) {
            let named = try ChecksumFields.algorithm(named: name, header: "x-amz-sdk-checksum-algorithm")
            // The SDK names the algorithm it was told to use; a value of another algorithm beside it is the client's own and wins.
            if algorithm == nil { algorithm = named }
        }
    }

    /// The one `x-amz-checksum-<algorithm>` field, nil when there is none.
    static func value(_ fields: HTTPFields) throws(S3Error) -> ChecksumValue? {
        var found: ChecksumValue?
        for (algorithm, text) in try texts(fields) {
            guard found == nil else {
                throw S3Error(.invalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
            }
            guard let value = ChecksumValue(algorithm, base64: text) else { throw badDigest(algorithm) }
            found = value
        }
        return found
    }

    /// The fields `x-amz-checksum-<algorithm>`, not decoded.
    static func texts(_ fields: HTTPFields) throws(S3Error) -> [(ChecksumAlgorithm, String)] {
        var texts: [(ChecksumAlgorithm, String)] = []
        for field in fields where field.name.canonicalName.hasPrefix(prefix) {
            let name = field.name.canonicalName
            if name == "x-amz-checksum-mode" || name == "x-amz-checksum-type" || name == "x-amz-checksum-algorithm" { continue }
            texts.append((try algorithm(ofHeader: name), String(field.value[...].trimmingSpaces)))
        }
        return texts
    }

    static func badDigest(_ algorithm: ChecksumAlgorithm) -> S3Error {
        S3Error(.badDigest, "The \(algorithm.name) you specified did not match the calculated checksum.")
    }

    /// The algorithm a header names, such as `x-amz-checksum-algorithm: SHA256`.
    static func algorithm(named name: String, header: String) throws(S3Error) -> ChecksumAlgorithm {
        guard let algorithm = ChecksumAlgorithm(name: name) else {
            throw S3Error(
                .invalidRequest,
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                    + "[\(ChecksumAlgorithm.allCases.map(\.name).joined(separator: ", "))]"
            ).with("ArgumentName", header)
        }
        return algorithm
    }

    private static let prefix = "x-amz-checksum-"

    private static func algorithm(ofHeader name: String) throws(S3Error) -> ChecksumAlgorithm {
        try algorithm(named: String(name.dropFirst(prefix.count)), header: name)
    }

    fileprivate static func contentMD5(_ fields: HTTPFields) throws(S3Error) -> MD5Digest? {
        guard let text = fields.trimmed(.contentMD5) else { return nil }
        guard let digest = MD5Digest(base64: text) else {
            throw S3Error(.invalidDigest, "The Content-MD5 you specified is not valid.").with("Content-MD5", text)
        }
        return digest
    }
}

extension ChecksumType {
    /// Reads `x-amz-checksum-type`; nil when it was not sent.
    init?(_ fields: HTTPFields) throws(S3Error) {
        guard let text = fields.trimmed(.amzChecksumType) else { return nil }
        guard let type = ChecksumType(name: text) else {
            throw S3Error(.invalidRequest, "Value for x-amz-checksum-type header is invalid.").with("ArgumentValue", text)
        }
        self = type
    }

    /// Refuses what S3 does not offer: a whole-object checksum of a hash that does not combine, a composite CRC64NVME.
    func check(with algorithm: ChecksumAlgorithm) throws(S3Error) {
        guard algorithm.allows(self) else {
            throw S3Error(
                .invalidRequest, "The \(name) checksum type cannot be used with the \(algorithm.name.lowercased()) checksum algorithm.")
        }
    }
}

extension ObjectChecksum {
    /// As headers and documents have it: a composite one ends in `-` and the number of parts.
    var text: String { kind == .composite ? "\(value.base64)-\(partCount)" : value.base64 }
}

extension ChecksumAlgorithm {
    var fieldName: HTTPField.Name {
        // Every algorithm's header name is a valid token.
        HTTPField.Name(headerName) ?? .amzChecksumAlgorithm
    }
}

extension ChecksumFields {
    /// Content-MD5 alone.
    init(md5Of fields: HTTPFields) throws(S3Error) { md5 = try ChecksumFields.contentMD5(fields) }

    /// Takes the value that came behind the body.
    mutating func take(_ trailer: ChunkedTrailer?) throws(S3Error) {
        guard let algorithm, let text = trailer?[algorithm.headerName] else { return }
        guard let value = ChecksumValue(algorithm, base64: text[...].trimmingSpaces) else { throw ChecksumFields.badDigest(algorithm) }
        self.value = value
    }
}
