import HTTPTypes
import SkerryChunks
import SkerryObjects

/// The header fields of answers about objects.
enum ResponseFields {
    /// What tells a cached copy from a newer one; 304 sends it too.
    static func validators(of version: ObjectVersion) -> HTTPFields {
        var fields = HTTPFields()
        fields[.eTag] = quoted(version.etag)
        fields[.lastModified] = S3Date.httpDate(milliseconds: version.modified)
        return fields
    }

    static func quoted(_ etag: ETag) -> String { "\"\(etag)\"" }

    /// Adds the checksum and what it was taken of.
    static func write(_ checksum: ObjectChecksum, to fields: inout HTTPFields) {
        fields[checksum.value.algorithm.fieldName] = checksum.text
        fields[.amzChecksumType] = checksum.kind.name
    }
}

extension S3Call {
    /// What a PUT, a Complete or a copy tells of the version it made.
    func writtenFields(_ version: ObjectVersion, in bucket: Bucket) -> HTTPFields {
        var fields = HTTPFields()
        fields[.eTag] = ResponseFields.quoted(version.etag)
        if showsVersions(bucket) { fields[.amzVersionID] = version.versionText }
        return fields
    }
}
