import HTTPTypes
import Testing

@testable import SkerryS3

@Suite("Routes") struct RouteTests {
    private func route(_ line: String, copy: Bool = false) throws -> S3Operation {
        let parts = line.split(separator: " ")
        var request = makeRequest(String(parts[0]), String(parts[1]), [("host", "localhost")])
        if copy { request.headerFields[.amzCopySource] = "a/b" }
        return try S3Route.operation(request, try RequestTarget(request))
    }

    private func code(_ line: String) -> String? {
        do {
            return try route(line).rawValue
        } catch {
            return (error as? S3Error)?.code.name
        }
    }

    @Test(arguments: [
        ("GET /", S3Operation.listBuckets), ("GET /?x-id=ListBuckets", .listBuckets), ("PUT /b", .createBucket), ("HEAD /b", .headBucket),
        ("HEAD /b?read-stats=true", .headBucket), ("DELETE /b", .deleteBucket), ("GET /b/", .listObjects), ("GET /b?list-type=2&prefix=", .listObjectsV2),
        ("GET /b?allow-unordered=true", .listObjects), ("GET /b?versions", .listObjectVersions), ("GET /b?uploads=", .listMultipartUploads),
        ("GET /b?location", .getBucketLocation), ("GET /b?versioning", .getBucketVersioning), ("PUT /b?versioning", .putBucketVersioning),
        ("GET /b?analytics", .listBucketAnalytics), ("GET /b?analytics&id=x", .getBucketAnalytics), ("POST /b?delete", .deleteObjects),
        ("GET /b/k", .getObject), ("GET /b/k?versionId=null&x-id=GetObject", .getObject), ("GET /b/k?partNumber=1", .getObject), ("HEAD /b/k", .headObject),
        ("PUT /b/k", .putObject), ("PUT /b/k?partNumber=1&uploadId=u", .uploadPart), ("DELETE /b/k", .deleteObject),
        ("DELETE /b/k?uploadId=u", .abortMultipartUpload), ("POST /b/k?uploads", .createMultipartUpload), ("POST /b/k?uploadId=u", .completeMultipartUpload),
        ("GET /b/k?uploadId=u", .listParts), ("GET /b/k?attributes", .getObjectAttributes), ("GET /b/k?acl", .getObjectACL), ("PUT /b/k?acl", .putObjectACL),
        ("GET /b/k?tagging", .getObjectTagging), ("GET /b//", .getObject), ("OPTIONS /b/k", .preflight),
        ("GET /b/k?X-Amz-Algorithm=a&x-amz-acl=", .getObject),
    ])
    func `operations are found by method, target and query`(_ line: String, _ expected: S3Operation) throws {
        #expect(try route(line) == expected)
    }

    @Test func `a source makes a PUT a copy`() throws {
        #expect(try route("PUT /b/k", copy: true) == .copyObject)
        #expect(try route("PUT /b/k?partNumber=1&uploadId=u", copy: true) == .uploadPartCopy)
    }

    /// The operations of the 2026 model that are not offered, as requests.
    @Test(arguments: [
        "PUT /b?tagging", "DELETE /b?tagging", "PUT /b/k?tagging", "DELETE /b/k?tagging", "PUT /b?policy", "DELETE /b?policy", "PUT /b?cors",
        "DELETE /b?cors", "PUT /b?lifecycle", "DELETE /b?lifecycle", "PUT /b?ownershipControls", "DELETE /b?ownershipControls",
        "PUT /b?publicAccessBlock", "DELETE /b?publicAccessBlock", "PUT /b?website", "DELETE /b?website", "PUT /b?notification",
        "PUT /b?encryption", "DELETE /b?encryption", "PUT /b?logging",
        "PUT /b?replication", "DELETE /b?replication", "POST /b/k?restore", "POST /b/k?select&select-type=2", "GET /b?session",
        "PUT /b?inventory&id=x", "DELETE /b?inventory&id=x", "PUT /b?requestPayment", "PUT /b?accelerate", "PUT /b?analytics&id=x",
        "DELETE /b?analytics&id=x", "PUT /b?intelligent-tiering&id=x", "DELETE /b?intelligent-tiering&id=x", "PUT /b?metrics&id=x",
        "DELETE /b?metrics&id=x", "GET /b?abac", "PUT /b?abac", "POST /b?metadataConfiguration", "GET /b?metadataConfiguration",
        "DELETE /b?metadataConfiguration", "POST /b?metadataTable", "GET /b?metadataTable", "DELETE /b?metadataTable",
        "PUT /b?metadataInventoryTable", "PUT /b?metadataJournalTable", "GET /b/k?torrent", "PUT /b/k?renameObject", "PUT /b/k?encryption",
        "GET /b/k?annotation", "PUT /b/k?annotation=x", "DELETE /b/k?annotation=x", "PUT /b/k?append&position=0", "POST /b", "POST /b/k", "POST /",
        "GET /b?tomorrow", "PUT /b?tomorrow=", "DELETE /b/k?tomorrow", "HEAD /b/k?tomorrow",
    ])
    func `what is not offered is never taken for something else`(_ line: String) {
        #expect(code(line) == "NotImplemented")
    }

    @Test(arguments: ["PATCH /b/k", "PUT /", "DELETE /", "HEAD /", "TRACE /b"])
    func `other methods are not allowed`(_ line: String) {
        #expect(code(line) == "MethodNotAllowed")
    }
}
