import HTTPTypes

/// From method, target and header to the operation; a table and nothing else.
///
/// What S3 knows and this face does not answers `NotImplemented`. So does an item of the query without a value that nobody knows: S3 adds
/// operations as such items (`?abac`, `?renameObject`), and taking a new one for the operation without it would be a wrong success.
/// Unknown items with a value are ignored, as S3 ignores them.
struct S3Route {
    private let method: HTTPRequest.Method
    private let query: QueryItems
    private let fields: HTTPFields

    static func operation(_ request: HTTPRequest, _ target: RequestTarget) throws(S3Error) -> S3Operation {
        if request.method == .options { return .preflight }
        let route = S3Route(method: request.method, query: target.query, fields: request.headerFields)
        guard target.bucket != nil else { return try route.onService() }
        return target.key.isEmpty ? try route.onBucket() : try route.onObject()
    }

    // MARK: Service

    private func onService() throws(S3Error) -> S3Operation {
        try refuseUnknown(known: [])
        switch method {
        case .get: return .listBuckets
        // IAM and STS post their forms here.
        case .post: throw .notImplemented("POST on the service")
        default: throw methodNotAllowed("SERVICE")
        }
    }

    // MARK: Buckets

    /// What GET on a bucket gives by the name of a sub-resource: listings first, then settings.
    private static let bucketReads: [(name: String, operation: S3Operation)] = [
        ("uploads", .listMultipartUploads), ("versions", .listObjectVersions), ("location", .getBucketLocation),
        ("versioning", .getBucketVersioning), ("acl", .getBucketACL), ("policy", .getBucketPolicy),
        ("policyStatus", .getBucketPolicyStatus), ("cors", .getBucketCORS), ("lifecycle", .getBucketLifecycle),
        ("website", .getBucketWebsite), ("tagging", .getBucketTagging), ("encryption", .getBucketEncryption),
        ("object-lock", .getObjectLockConfiguration), ("replication", .getBucketReplication),
        ("requestPayment", .getBucketRequestPayment), ("accelerate", .getBucketAccelerate), ("logging", .getBucketLogging),
        ("notification", .getBucketNotification), ("ownershipControls", .getBucketOwnershipControls),
        ("publicAccessBlock", .getPublicAccessBlock), ("analytics", .listBucketAnalytics),
        ("intelligent-tiering", .listBucketIntelligentTiering), ("inventory", .listBucketInventory), ("metrics", .listBucketMetrics),
    ]

    private static let bucketParameters: Set<String> = [
        "delimiter", "encoding-type", "marker", "max-keys", "prefix", "list-type", "continuation-token", "fetch-owner", "start-after",
        "key-marker", "version-id-marker", "upload-id-marker", "max-uploads", "id",
    ]

    private func onBucket() throws(S3Error) -> S3Operation {
        switch method {
        case .get: return try getBucket()
        case .head:
            try refuseUnknown(known: S3Route.bucketParameters)
            return .headBucket
        case .put:
            if query.contains("versioning") { return .putBucketVersioning }
            if query.contains("acl") { return .putBucketACL }
            if query.contains("object-lock") { return .putObjectLockConfiguration }
            try refuseUnknown(known: [])
            return .createBucket
        case .delete:
            try refuseUnknown(known: [])
            return .deleteBucket
        case .post:
            if query.contains("delete") { return .deleteObjects }
            throw .notImplemented("POST on a bucket")
        default: throw methodNotAllowed("BUCKET")
        }
    }

    private func getBucket() throws(S3Error) -> S3Operation {
        for entry in S3Route.bucketReads where query.contains(entry.name) {
            return query.contains("id") ? S3Route.one(of: entry.operation) : entry.operation
        }
        try refuseUnknown(known: S3Route.bucketParameters)
        guard let type = query.text("list-type") else { return .listObjects }
        guard type == "2" else { throw .invalidArgument("Invalid list type", name: "list-type", value: type) }
        return .listObjectsV2
    }

    /// `?analytics` lists, `?analytics&id=x` gets one.
    private static func one(of operation: S3Operation) -> S3Operation {
        switch operation {
        case .listBucketAnalytics: .getBucketAnalytics
        case .listBucketIntelligentTiering: .getBucketIntelligentTiering
        case .listBucketInventory: .getBucketInventory
        case .listBucketMetrics: .getBucketMetrics
        default: operation
        }
    }

    // MARK: Objects

    private static let objectParameters: Set<String> = [
        "versionId", "partNumber", "uploadId", "max-parts", "part-number-marker", "encoding-type",
        "response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language",
        "response-content-type", "response-expires",
    ]

    private func onObject() throws(S3Error) -> S3Operation {
        switch method {
        case .get: return try getObject()
        case .head:
            try refuseUnknown(known: S3Route.objectParameters)
            return .headObject
        case .put: return try putObject()
        case .delete:
            if query.contains("uploadId") { return .abortMultipartUpload }
            try refuseUnknown(known: S3Route.objectParameters)
            return .deleteObject
        case .post:
            if query.contains("uploads") { return .createMultipartUpload }
            if query.contains("uploadId") { return .completeMultipartUpload }
            throw .notImplemented("POST on an object")
        default: throw methodNotAllowed("OBJECT")
        }
    }

    private func getObject() throws(S3Error) -> S3Operation {
        if query.contains("acl") { return .getObjectACL }
        if query.contains("tagging") { return .getObjectTagging }
        if query.contains("attributes") { return .getObjectAttributes }
        if query.contains("retention") { return .getObjectRetention }
        if query.contains("legal-hold") { return .getObjectLegalHold }
        if query.contains("uploadId") { return .listParts }
        try refuseUnknown(known: S3Route.objectParameters)
        return .getObject
    }

    private func putObject() throws(S3Error) -> S3Operation {
        if query.contains("acl") { return .putObjectACL }
        if query.contains("retention") { return .putObjectRetention }
        if query.contains("legal-hold") { return .putObjectLegalHold }
        let isCopy = fields[.amzCopySource] != nil
        if query.contains("uploadId") || query.contains("partNumber") {
            return isCopy ? .uploadPartCopy : .uploadPart
        }
        try refuseUnknown(known: S3Route.objectParameters)
        return isCopy ? .copyObject : .putObject
    }

    // MARK: Refusals

    /// S3's sub-resources that change something or that no setting answers for; named, so that a value behind the name does not hide them.
    private static let notOffered: Set<String> = [
        "abac", "acl", "analytics", "accelerate", "annotation", "append", "attributes", "cors", "delete", "encryption", "encryption-configuration",
        "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "location", "logging", "metadataAnnotationTable", "metadataConfiguration",
        "metadataInventoryTable", "metadataJournalTable", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls",
        "policy", "policyStatus", "publicAccessBlock", "renameObject", "replication", "requestPayment", "restore", "retention", "select",
        "session", "tagging", "torrent", "uploads", "versioning", "versions", "website",
    ]

    private func refuseUnknown(known: Set<String>) throws(S3Error) {
        for item in query {
            let name = String(decoding: item.name, as: UTF8.self)
            if known.contains(name) || name == "x-id" || name.lowercased().hasPrefix("x-amz-") { continue }
            let hasValue = item.value.map { !$0.isEmpty } ?? false
            guard hasValue, !S3Route.notOffered.contains(name) else { throw .notImplemented("\(method.rawValue) ?\(name)") }
        }
    }

    private func methodNotAllowed(_ resource: String) -> S3Error {
        S3Error(.methodNotAllowed, "The specified method is not allowed against this resource.")
            .with("Method", method.rawValue).with("ResourceType", resource)
    }
}
