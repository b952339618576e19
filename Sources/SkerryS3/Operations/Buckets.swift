import HTTPTypes
import SkerryCRDT
import SkerryHTTP
import SkerryObjects

// Buckets: listing, making, looking, removing.

extension S3Call {
    func listBuckets() throws -> HTTPReply {
        let user = try signedCaller()
        let limit = try bucketLimit()
        let prefix = query.text("prefix") ?? ""
        let after = try query.text("continuation-token").flatMap { text throws(S3Error) in try ContinuationToken.name(text) }
            .map { String(decoding: $0, as: UTF8.self) }
        let region = query.text("bucket-region")
        // One site is one region: of another there is nothing to list.
        let isHere = region == nil || region == configuration.region
        let page = isHere ? store.buckets(of: user, prefix: prefix, after: after, limit: limit) : nil
        let buckets = page?.buckets ?? []
        var xml = XMLWriter(capacity: 256 + buckets.count * 160)
        xml.openRoot("ListAllMyBucketsResult")
        xml.owner("Owner", (user.id, user.displayName))
        xml.open("Buckets")
        for bucket in buckets {
            xml.open("Bucket")
            xml.element("Name", bucket.name)
            xml.element("CreationDate", date: bucket.created.milliseconds)
            xml.element("BucketRegion", bucket.region)
            xml.close("Bucket")
        }
        xml.close("Buckets")
        if let next = page?.next { xml.element("ContinuationToken", ContinuationToken.text(Array(next.utf8))) }
        if let prefix = query.text("prefix") { xml.element("Prefix", prefix) }
        xml.close("ListAllMyBucketsResult")
        return document(xml)
    }

    private func bucketLimit() throws(S3Error) -> Int {
        let limit = try count("max-buckets", maximum: S3Limits.bucketsPerPage)
        guard limit > 0 else { throw .invalidArgument("max-buckets must be at least 1", name: "max-buckets", value: "0") }
        return limit
    }

    /// Making a bucket one has: in `us-east-1` it is a success, as S3 keeps it for old clients; elsewhere `BucketAlreadyOwnedByYou`.
    func createBucket() async throws -> HTTPReply {
        let user = try signedCaller()
        let name = target.bucket ?? ""
        let existing = try? store.bucket(named: name)
        if existing != nil, let acl = fields.trimmed(.amzACL), acl != "private" {
            throw S3Error(
                .bucketAlreadyExists,
                "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."
            ).with("BucketName", name)
        }
        try UnsupportedFields.check(fields)
        try BucketConfiguration(try await requestDocument()).check(region: configuration.region)
        do {
            _ = try await store.createBucket(name, owner: user, region: configuration.region)
        } catch  where error.code == .bucketAlreadyOwnedByYou && configuration.region == "us-east-1" {
            // Falls through to the same answer.
        } catch {
            throw S3Error(error).with("BucketName", name)
        }
        return empty(.ok, [.location: "/\(name)"])
    }

    func headBucket() throws -> HTTPReply {
        let bucket = try bucket()
        var fields = HTTPFields()
        fields[.amzBucketRegion] = bucket.region
        fields[.contentType] = "application/xml"
        return empty(.ok, fields)
    }

    func deleteBucket() async throws -> HTTPReply {
        let bucket = try bucket()
        do {
            try await store.deleteBucket(bucket)
        } catch {
            throw S3Error(error).with("BucketName", bucket.name)
        }
        return empty(.noContent)
    }

    func getBucketLocation() throws -> HTTPReply {
        let bucket = try bucket()
        var xml = XMLWriter(capacity: 192)
        xml.openRoot("LocationConstraint")
        // The first region has no name here, by S3's history.
        if bucket.region != "us-east-1" { xml.escape(bucket.region.utf8) }
        xml.close("LocationConstraint")
        return document(xml)
    }

    func getBucketVersioning() throws -> HTTPReply {
        let bucket = try bucket()
        var xml = XMLWriter(capacity: 256)
        xml.openRoot("VersioningConfiguration")
        switch bucket.versioning {
        case .unversioned: break
        case .enabled: xml.element("Status", "Enabled")
        case .suspended: xml.element("Status", "Suspended")
        }
        xml.close("VersioningConfiguration")
        return document(xml)
    }

    func putBucketVersioning() async throws -> HTTPReply {
        let bucket = try bucket()
        let versioning = try VersioningConfiguration(try await requestDocument()).versioning()
        _ = try await store.setVersioning(versioning, of: bucket)
        return empty()
    }
}

// MARK: - Request documents

/// `CreateBucketConfiguration`; an empty body says nothing.
struct BucketConfiguration {
    var locationConstraint: String?

    init(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return }
        var location: String?
        var reader = try XMLReader(bytes)
        try reader.root("CreateBucketConfiguration")
        try reader.children { reader, name in
            switch name {
            case "LocationConstraint": location = try reader.text()
            case "Location", "Bucket", "Tags": throw S3Error.notImplemented("CreateBucketConfiguration \(name)")
            default: try reader.skip()
            }
        }
        try reader.finish()
        locationConstraint = location
    }

    /// One site is one region; a bucket elsewhere cannot be made here.
    func check(region: String) throws(S3Error) {
        guard let locationConstraint, !locationConstraint.isEmpty, locationConstraint != region else { return }
        throw S3Error(.invalidLocationConstraint, "The specified location-constraint is not valid").with(
            "LocationConstraint", locationConstraint)
    }
}

/// `VersioningConfiguration`.
struct VersioningConfiguration {
    var status: String?

    init(_ bytes: [UInt8]) throws {
        var status: String?
        var reader = try XMLReader(bytes)
        try reader.root("VersioningConfiguration")
        try reader.children { reader, name in
            switch name {
            case "Status": status = try reader.text()
            case "MfaDelete", "MFADelete":
                guard try reader.text() == "Disabled" else { throw S3Error.notImplemented("MFA delete") }
            default: throw S3Error.malformedXML("\(name) is not expected here")
            }
        }
        try reader.finish()
        self.status = status
    }

    func versioning() throws(S3Error) -> Bucket.Versioning {
        switch status {
        case "Enabled": return .enabled
        case "Suspended": return .suspended
        case nil:
            throw S3Error(
                .illegalVersioningConfiguration, "The Versioning element must be specified")
        default: throw .malformedXML("Status is Enabled or Suspended")
        }
    }
}

extension XMLWriter {
    /// An element with `ID` and `DisplayName`.
    mutating func owner(_ name: StaticString, _ user: (id: String, displayName: String)) {
        open(name)
        element("ID", user.id)
        element("DisplayName", user.displayName)
        close(name)
    }
}
