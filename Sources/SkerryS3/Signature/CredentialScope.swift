/// What a credential says: `access key/yyyyMMdd/region/service/aws4_request`.
struct CredentialScope: Sendable, Equatable {
    var accessKey: String
    /// The day as the number `yyyyMMdd`.
    var day: Int

    /// Reads a credential and checks everything but the access key.
    ///
    /// It is split from its end, for nothing forbids a slash in an access key.
    ///
    /// - Parameter place: What S3 puts before its sentence for this place, empty for the header.
    init(_ text: ArraySlice<UInt8>, region: String, date: AmzDate, place: String) throws(SignatureMalformed) {
        let parts = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count >= 5, let keyEnd = parts.dropLast(4).last?.endIndex, keyEnd > text.startIndex else {
            throw .init("\(place)the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
        }
        let tail = parts.suffix(4).map { String(decoding: $0, as: UTF8.self) }
        guard tail[0].utf8.count == 8, tail[0].utf8.allSatisfy({ Hex.value($0).map { $0 < 10 } ?? false }), let day = Int(tail[0]) else {
            throw .init("\(place)incorrect date format \"\(tail[0])\". This date in the credential must be in the format \"yyyyMMdd\".")
        }
        guard tail[1] == region else {
            throw .init("\(place)the region '\(tail[1])' is wrong; expecting '\(region)'", region: region)
        }
        guard tail[2] == "s3" else {
            throw .init("\(place)incorrect service \"\(tail[2])\". This endpoint belongs to \"s3\".")
        }
        guard tail[3] == "aws4_request" else {
            throw .init("\(place)incorrect terminal \"\(tail[3])\". This endpoint uses \"aws4_request\".")
        }
        guard day == date.day else {
            throw .init("\(place)Invalid credential date \"\(tail[0])\". This date is not the same as X-Amz-Date: \"\(date.day)\".")
        }
        guard let accessKey = String(validating: text[..<keyEnd], as: UTF8.self) else {
            throw .init("\(place)the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
        }
        self.accessKey = accessKey
        self.day = day
    }
}

/// A broken form, before it is known whether header or query held it.
struct SignatureMalformed: Error {
    var value: SignatureError.Malformed

    init(_ reason: String, region: String? = nil) { value = .init(reason, region: region) }
}
