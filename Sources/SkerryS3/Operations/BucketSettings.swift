import HTTPTypes
import SkerryHTTP
import SkerryObjects

// Settings that cannot be made yet. Reading one gives what S3 answers where nobody made it, which clients such as Terraform ask on every
// refresh; the answer is also the truth. Making one is `NotImplemented`, save where what is asked for is what already holds.

extension S3Call {
    /// The answer to a read of a bucket's setting.
    func bucketSetting(_ operation: S3Operation) throws -> HTTPReply {
        let bucket = try bucket()
        switch operation {
        case .getBucketACL: return ownersACL(bucket)
        case .getBucketPolicyStatus: return document(root: "PolicyStatus") { $0.element("IsPublic", false) }
        case .getBucketRequestPayment: return document(root: "RequestPaymentConfiguration") { $0.element("Payer", "BucketOwner") }
        case .getBucketAccelerate: return document(root: "AccelerateConfiguration") { _ in }
        case .getBucketLogging: return document(root: "BucketLoggingStatus") { _ in }
        case .getBucketNotification: return document(root: "NotificationConfiguration") { _ in }
        case .listBucketAnalytics: return emptyList("ListBucketAnalyticsConfigurationResult")
        case .listBucketIntelligentTiering: return emptyList("ListBucketIntelligentTieringConfigurationsOutput")
        case .listBucketInventory: return emptyList("ListInventoryConfigurationsResult")
        case .listBucketMetrics: return emptyList("ListMetricsConfigurationsResult")
        default: throw Self.absence(of: operation).with("BucketName", bucket.name)
        }
    }

    /// What S3 says where a setting was never made.
    static func absence(of operation: S3Operation) -> S3Error {
        switch operation {
        case .getBucketPolicy: S3Error(.noSuchBucketPolicy, "The bucket policy does not exist")
        case .getBucketCORS: S3Error(.noSuchCORSConfiguration, "The CORS configuration does not exist")
        case .getBucketLifecycle: S3Error(.noSuchLifecycleConfiguration, "The lifecycle configuration does not exist")
        case .getBucketWebsite: S3Error(.noSuchWebsiteConfiguration, "The specified bucket does not have a website configuration")
        case .getBucketTagging: S3Error(.noSuchTagSet, "The TagSet does not exist")
        case .getBucketEncryption:
            S3Error(.encryptionConfigurationNotFound, "The server side encryption configuration was not found")
        case .getObjectLockConfiguration:
            S3Error(.objectLockConfigurationNotFound, "Object Lock configuration does not exist for this bucket")
        case .getBucketReplication: S3Error(.replicationConfigurationNotFound, "The replication configuration was not found")
        case .getBucketOwnershipControls: S3Error(.ownershipControlsNotFound, "The bucket ownership controls were not found")
        case .getPublicAccessBlock: S3Error(.noSuchPublicAccessBlock, "The public access block configuration was not found")
        case .getBucketAnalytics, .getBucketIntelligentTiering, .getBucketInventory, .getBucketMetrics:
            S3Error(.noSuchConfiguration, "The specified configuration does not exist.")
        default: .notImplemented(operation.rawValue)
        }
    }

    /// The answer to a read of an object's setting, once the object was found to be there.
    func objectSetting(_ operation: S3Operation) async throws -> HTTPReply {
        let bucket = try bucket()
        let selector = try selector()
        let version: ObjectVersion
        do {
            version = try await store.version(try key(), selector, in: bucket)
        } catch {
            throw readError(error, selector, in: bucket)
        }
        switch operation {
        case .getObjectACL: return ownersACL(bucket)
        case .putObjectACL: return try await putACL(of: bucket)
        case .getObjectTagging:
            var fields = HTTPFields()
            if showsVersions(bucket) { fields[.amzVersionID] = version.versionText }
            return document(root: "Tagging", fields) { $0.put("<TagSet></TagSet>") }
        default: throw S3Error(.invalidRequest, "Bucket is missing Object Lock Configuration")
        }
    }

    /// Object Lock needs versions; where there are some, it is not implemented.
    func putObjectLockConfiguration() throws -> HTTPReply {
        guard try bucket().versioning == .enabled else {
            throw S3Error(.invalidBucketState, "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
        }
        throw S3Error.notImplemented("Object Lock")
    }

    func putBucketACL() async throws -> HTTPReply { try await putACL(of: try bucket()) }

    private func emptyList(_ root: StaticString) -> HTTPReply { document(root: root) { $0.element("IsTruncated", false) } }

    private func document(root: StaticString, _ fields: HTTPFields = [:], _ body: (inout XMLWriter) -> Void) -> HTTPReply {
        var xml = XMLWriter(capacity: 256)
        xml.openRoot(root)
        body(&xml)
        xml.close(root)
        return document(xml, fields)
    }
}

// MARK: - Access control lists

extension S3Call {
    /// The one list there is: the owner has full control.
    private func ownersACL(_ bucket: Bucket) -> HTTPReply {
        let owner = user(bucket.owner)
        return document(root: "AccessControlPolicy") { xml in
            xml.owner("Owner", owner)
            xml.put("<AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">")
            xml.element("ID", owner.id)
            xml.element("DisplayName", owner.displayName)
            xml.put("</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>")
        }
    }

    /// Takes a list that says what already holds, by its canned name or spelled out; any other is not implemented.
    private func putACL(of bucket: Bucket) async throws -> HTTPReply {
        try UnsupportedFields.check(fields)
        let bytes = try await requestDocument()
        if fields[.amzACL] != nil, bytes.isEmpty { return empty() }
        guard !bytes.isEmpty else { throw S3Error(.missingRequestBody, "Request Body is empty") }
        guard try AccessControlPolicy(bytes).grantsAllToOwnerAlone(bucket.owner) else { throw S3Error.notImplemented("access control lists") }
        return empty()
    }
}

/// The document `AccessControlPolicy`, as far as it can be taken.
struct AccessControlPolicy {
    struct Grant: Equatable {
        var grantee: String?
        var permission: String = ""
    }

    private(set) var grants: [Grant] = []

    init(_ bytes: [UInt8]) throws {
        var grants: [Grant] = []
        var reader = try XMLReader(bytes)
        try reader.root("AccessControlPolicy")
        try reader.children { reader, name in
            guard name == "AccessControlList" else { return try reader.skip() }
            try reader.children { reader, name in
                guard name == "Grant" else { throw S3Error.malformedXML("Grant expected") }
                grants.append(try AccessControlPolicy.grant(&reader))
            }
        }
        try reader.finish()
        self.grants = grants
    }

    private static func grant(_ reader: inout XMLReader) throws -> Grant {
        var grant = Grant()
        try reader.children { reader, name in
            switch name {
            case "Permission": grant.permission = try reader.text()
            case "Grantee":
                try reader.children { reader, name in
                    if name == "ID" { grant.grantee = try reader.text() } else { try reader.skip() }
                }
            default: try reader.skip()
            }
        }
        return grant
    }

    func grantsAllToOwnerAlone(_ owner: String) -> Bool { grants == [Grant(grantee: owner, permission: "FULL_CONTROL")] }
}
