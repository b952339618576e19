import HTTPTypes

extension HTTPField.Name {
    private static func amz(_ rest: String) -> HTTPField.Name { known("x-amz-" + rest) }

    private static func known(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no field name") }
        return name
    }

    static let contentMD5 = known("Content-MD5")

    static let amzACL = amz("acl")
    static let amzAbortDate = amz("abort-date")
    static let amzBucketRegion = amz("bucket-region")
    static let amzChecksumAlgorithm = amz("checksum-algorithm")
    static let amzChecksumMode = amz("checksum-mode")
    static let amzChecksumType = amz("checksum-type")
    static let amzCopySource = amz("copy-source")
    static let amzCopySourceIfMatch = amz("copy-source-if-match")
    static let amzCopySourceIfModifiedSince = amz("copy-source-if-modified-since")
    static let amzCopySourceIfNoneMatch = amz("copy-source-if-none-match")
    static let amzCopySourceIfUnmodifiedSince = amz("copy-source-if-unmodified-since")
    static let amzCopySourceRange = amz("copy-source-range")
    static let amzCopySourceVersionID = amz("copy-source-version-id")
    static let amzDeleteMarker = amz("delete-marker")
    static let amzExpectedBucketOwner = amz("expected-bucket-owner")
    static let amzID2 = amz("id-2")
    static let amzIfMatchInitiatedTime = amz("if-match-initiated-time")
    static let amzIfMatchLastModifiedTime = amz("if-match-last-modified-time")
    static let amzIfMatchSize = amz("if-match-size")
    static let amzMaxParts = amz("max-parts")
    static let amzMetadataDirective = amz("metadata-directive")
    static let amzObjectAttributes = amz("object-attributes")
    static let amzObjectOwnership = amz("object-ownership")
    static let amzObjectSize = amz("mp-object-size")
    static let amzPartNumberMarker = amz("part-number-marker")
    static let amzPartsCount = amz("mp-parts-count")
    static let amzRequestID = amz("request-id")
    static let amzSDKChecksumAlgorithm = amz("sdk-checksum-algorithm")
    static let amzSourceExpectedBucketOwner = amz("source-expected-bucket-owner")
    static let amzStorageClass = amz("storage-class")
    static let amzTaggingDirective = amz("tagging-directive")
    static let amzTrailer = amz("trailer")
    static let amzVersionID = amz("version-id")
    static let amzWebsiteRedirectLocation = amz("website-redirect-location")
}

extension HTTPFields {
    /// The value of a field, without white space around it; nil when it was not sent.
    func trimmed(_ name: HTTPField.Name) -> String? {
        self[name].map { String($0[...].trimmingSpaces) }
    }
}
