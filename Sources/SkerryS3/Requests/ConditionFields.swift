import HTTPTypes
import SkerryObjects

// The conditions a request states in its header. A date that cannot be read counts as not sent (RFC 9110, section 13.1.3).

extension ETagPattern {
    /// Reads `*`, or a list of entity tags, quoted or (as S3 clients also send them) bare. Weak prefixes are dropped: an S3 tag is strong.
    init(_ text: String) {
        let text = text[...].trimmingSpaces
        if text == "*" || text == "\"*\"" {
            self = .any
            return
        }
        self = .tags(
            text.split(separator: ",").map { ETagPattern.bare(String($0[...].trimmingSpaces)) }.filter { !$0.isEmpty })
    }

    /// A tag without its weak prefix and quotes.
    static func bare(_ tag: String) -> String {
        var tag = tag[...]
        if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
        if tag.hasPrefix("\"") { tag = tag.dropFirst() }
        if tag.hasSuffix("\"") { tag = tag.dropLast() }
        return String(tag)
    }
}

extension ReadConditions {
    /// The conditions of a GET or HEAD.
    init(_ fields: HTTPFields) {
        self.init(
            ifMatch: fields[.ifMatch].map { ETagPattern($0) }, ifNoneMatch: fields[.ifNoneMatch].map { ETagPattern($0) },
            ifModifiedSince: fields[.ifModifiedSince].flatMap(S3Date.seconds),
            ifUnmodifiedSince: fields[.ifUnmodifiedSince].flatMap(S3Date.seconds))
    }

    /// The conditions a copy states about its source.
    init(ofCopySource fields: HTTPFields) {
        self.init(
            ifMatch: fields[.amzCopySourceIfMatch].map { ETagPattern($0) },
            ifNoneMatch: fields[.amzCopySourceIfNoneMatch].map { ETagPattern($0) },
            ifModifiedSince: fields[.amzCopySourceIfModifiedSince].flatMap(S3Date.seconds),
            ifUnmodifiedSince: fields[.amzCopySourceIfUnmodifiedSince].flatMap(S3Date.seconds))
    }
}

extension WriteConditions {
    /// The conditions of a PUT, a copy's destination, a Complete or a DELETE.
    init(_ fields: HTTPFields) throws(S3Error) {
        self.init()
        ifMatch = fields[.ifMatch].map { ETagPattern($0) }
        ifNoneMatch = fields[.ifNoneMatch].map { ETagPattern($0) }
        ifModifiedSince = fields[.ifModifiedSince].flatMap(S3Date.seconds)
        ifUnmodifiedSince = fields[.ifUnmodifiedSince].flatMap(S3Date.seconds)
        if let size = fields.trimmed(.amzIfMatchSize) {
            guard let bytes = UInt64(size) else { throw .invalidArgument("Invalid size", name: "x-amz-if-match-size", value: size) }
            ifMatchSize = bytes
        }
        if let date = fields.trimmed(.amzIfMatchLastModifiedTime) {
            guard let seconds = S3Date.seconds(date) else {
                throw .invalidArgument("Invalid date", name: "x-amz-if-match-last-modified-time", value: date)
            }
            ifMatchLastModified = seconds
        }
    }
}
