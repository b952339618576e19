import SkerryCRDT

/// An entity tag as a condition names it.
public enum ETagPattern: Sendable, Hashable {
    /// `*`
    case any
    /// Texts without quotes and without a weak prefix.
    case tags([String])

    func matches(_ etag: ETag) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains(etag.description)
        }
    }

    func matches(_ subject: WriteConditions.Subject) -> Bool { subject.etag.map(matches) ?? (self == .any) }
}

/// Conditions of a read (GET, HEAD, the source of a copy). Times are seconds since 1970.
public struct ReadConditions: Sendable, Hashable {
    public var ifMatch: ETagPattern?
    public var ifNoneMatch: ETagPattern?
    public var ifModifiedSince: Int64?
    public var ifUnmodifiedSince: Int64?

    public init(
        ifMatch: ETagPattern? = nil, ifNoneMatch: ETagPattern? = nil, ifModifiedSince: Int64? = nil, ifUnmodifiedSince: Int64? = nil
    ) {
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
        self.ifModifiedSince = ifModifiedSince
        self.ifUnmodifiedSince = ifUnmodifiedSince
    }

    public var isEmpty: Bool { self == ReadConditions() }

    /// Evaluates in the order of RFC 9110, section 13.2.2: an entity tag overrules a date.
    ///
    /// - Throws: `preconditionFailed` or `notModified`, with the condition's header and the version.
    public func check(_ version: ObjectVersion) throws(ObjectError) {
        let modified = Int64(version.modified / 1000)
        if let ifMatch {
            guard ifMatch.matches(version.etag) else { throw ReadConditions.failure(.preconditionFailed, "If-Match", version) }
        } else if let ifUnmodifiedSince, modified > ifUnmodifiedSince {
            throw ReadConditions.failure(.preconditionFailed, "If-Unmodified-Since", version)
        }
        if let ifNoneMatch {
            guard !ifNoneMatch.matches(version.etag) else { throw ReadConditions.failure(.notModified, "If-None-Match", version) }
        } else if let ifModifiedSince, modified <= ifModifiedSince {
            throw ReadConditions.failure(.notModified, "If-Modified-Since", version)
        }
    }

    private static func failure(_ code: ObjectError.Code, _ condition: String, _ version: ObjectVersion) -> ObjectError {
        let message =
            code == .notModified ? "Not Modified" : "At least one of the pre-conditions you specified did not hold"
        return ObjectError(code, message, condition: condition, version: version)
    }
}

/// Conditions of a write or delete, evaluated at commit in the order of commits: linearizable in a site.
///
/// They are about the current version, or about the version that a delete names.
public struct WriteConditions: Sendable, Hashable {
    public var ifMatch: ETagPattern?
    public var ifNoneMatch: ETagPattern?
    /// Seconds since 1970.
    public var ifModifiedSince: Int64?
    public var ifUnmodifiedSince: Int64?
    /// Bytes; DELETE's `x-amz-if-match-size`.
    public var ifMatchSize: UInt64?
    /// Seconds since 1970; DELETE's `x-amz-if-match-last-modified-time`.
    public var ifMatchLastModified: Int64?

    public init() {}

    public var isEmpty: Bool { self == WriteConditions() }

    /// What the conditions look at.
    struct Subject {
        /// nil for a delete marker, which no tag names.
        var etag: ETag?
        var size: UInt64
        /// Milliseconds since 1970.
        var modified: UInt64

        init(_ row: CurrentRow) {
            etag = row.etag
            size = row.size
            modified = row.id.time.milliseconds
        }

        init(_ version: ObjectVersion) {
            etag = version.isDeleteMarker ? nil : version.etag
            size = version.size
            modified = version.modified
        }
    }

    /// - Parameter subject: nil when there is no such object, or a delete marker hides it.
    /// - Throws: `preconditionFailed` with the header's name; `noSuchKey` when something was to match and nothing is there.
    func check(_ subject: Subject?) throws(ObjectError) {
        guard let subject else {
            guard ifMatch == nil, ifMatchSize == nil, ifMatchLastModified == nil else {
                throw ObjectError(.noSuchKey, "The specified key does not exist.")
            }
            return
        }
        let modified = Int64(subject.modified / 1000)
        if let ifMatch, !ifMatch.matches(subject) { throw failure("If-Match") }
        if let ifNoneMatch, ifNoneMatch.matches(subject) { throw failure("If-None-Match") }
        if let ifModifiedSince, modified <= ifModifiedSince { throw failure("If-Modified-Since") }
        if let ifUnmodifiedSince, modified > ifUnmodifiedSince { throw failure("If-Unmodified-Since") }
        if let ifMatchSize, ifMatchSize != subject.size { throw failure("x-amz-if-match-size") }
        if let ifMatchLastModified, ifMatchLastModified != modified { throw failure("x-amz-if-match-last-modified-time") }
    }

    private func failure(_ condition: String) -> ObjectError {
        ObjectError(.preconditionFailed, "At least one of the pre-conditions you specified did not hold", condition: condition)
    }
}
