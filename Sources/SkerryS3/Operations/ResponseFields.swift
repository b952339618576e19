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
    /// The version ID a PUT, a Complete or a copy tells of what it made: none for the null version, as S3 answers while versioning is suspended.
    func writtenFields(_ version: ObjectVersion) -> HTTPFields {
        version.isNull ? [:] : [.amzVersionID: version.versionText]
    }
}
