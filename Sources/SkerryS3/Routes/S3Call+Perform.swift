import SkerryHTTP

extension S3Call {
    /// Runs an operation.
    func perform(_ operation: S3Operation) async throws -> HTTPReply {
        switch operation {
        case .listBuckets: try listBuckets()
        case .createBucket: try await createBucket()
        case .headBucket: try headBucket()
        case .deleteBucket: try await deleteBucket()
        case .getBucketLocation: try getBucketLocation()
        case .getBucketVersioning: try getBucketVersioning()
        case .putBucketVersioning: try await putBucketVersioning()
        case .putBucketACL: try await putBucketACL()
        case .listObjects: try await listObjects()
        case .listObjectsV2: try await listObjectsV2()
        case .listObjectVersions: try await listObjectVersions()
        case .listMultipartUploads: try await listMultipartUploads()
        case .deleteObjects: try await deleteObjects()
        case .getObject: try await getObject()
        case .headObject: try await headObject()
        case .putObject: try await putObject()
        case .copyObject: try await copyObject()
        case .deleteObject: try await deleteObject()
        case .getObjectAttributes: try await getObjectAttributes()
        case .createMultipartUpload: try await createMultipartUpload()
        case .uploadPart: try await uploadPart()
        case .uploadPartCopy: try await uploadPartCopy()
        case .completeMultipartUpload: try await completeMultipartUpload()
        case .abortMultipartUpload: try await abortMultipartUpload()
        case .listParts: try await listParts()
        case .putObjectLockConfiguration: try putObjectLockConfiguration()
        case .getObjectACL, .putObjectACL, .getObjectTagging, .getObjectRetention, .getObjectLegalHold, .putObjectRetention, .putObjectLegalHold:
            try await objectSetting(operation)
        case .getBucketACL, .getBucketPolicy, .getBucketPolicyStatus, .getBucketCORS, .getBucketLifecycle, .getBucketWebsite,
            .getBucketTagging, .getBucketEncryption, .getObjectLockConfiguration, .getBucketReplication, .getBucketRequestPayment,
            .getBucketAccelerate, .getBucketLogging, .getBucketNotification, .getBucketOwnershipControls, .getPublicAccessBlock,
            .getBucketAnalytics, .listBucketAnalytics, .getBucketIntelligentTiering, .listBucketIntelligentTiering, .getBucketInventory,
            .listBucketInventory, .getBucketMetrics, .listBucketMetrics:
            try bucketSetting(operation)
        case .preflight: throw S3Error(.accessForbidden, "CORSResponse: CORS is not enabled for this bucket.")
        }
    }
}
