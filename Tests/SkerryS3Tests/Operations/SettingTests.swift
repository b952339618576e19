import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Settings that cannot be made yet") struct SettingTests {
    @Test(arguments: [
        ("policy", 404, "NoSuchBucketPolicy"), ("cors", 404, "NoSuchCORSConfiguration"), ("lifecycle", 404, "NoSuchLifecycleConfiguration"),
        ("website", 404, "NoSuchWebsiteConfiguration"), ("tagging", 404, "NoSuchTagSet"),
        ("encryption", 404, "ServerSideEncryptionConfigurationNotFoundError"), ("object-lock", 404, "ObjectLockConfigurationNotFoundError"),
        ("replication", 404, "ReplicationConfigurationNotFoundError"), ("ownershipControls", 404, "OwnershipControlsNotFoundError"),
        ("publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration"),
    ])
    func `reading one that S3 calls absent says so`(_ name: String, _ status: Int, _ code: String) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        #expect(try await endpoint.send("GET", "/bucket", [name: ""]).failure == Failure(status, code))
        #expect(try await endpoint.send("GET", "/bucket", [name: ""], as: .other).failure == Failure(403, "AccessDenied"))
    }

    @Test(arguments: [
        ("policyStatus", "<IsPublic>false</IsPublic>"), ("requestPayment", "<Payer>BucketOwner</Payer>"), ("accelerate", "<AccelerateConfiguration"),
        ("logging", "<BucketLoggingStatus"), ("notification", "<NotificationConfiguration"), ("analytics", "<IsTruncated>false</IsTruncated>"),
        ("inventory", "<ListInventoryConfigurationsResult"), ("metrics", "<ListMetricsConfigurationsResult"),
        ("intelligent-tiering", "<IsTruncated>false</IsTruncated>"), ("acl", "<Permission>FULL_CONTROL</Permission>"),
    ])
    func `reading one that S3 calls empty gives the default`(_ name: String, _ part: String) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let reply = try await endpoint.send("GET", "/bucket", [name: ""])
        #expect(reply.status == 200)
        #expect(reply.text.contains(part), "\(reply.text)")
    }

    @Test(arguments: ["analytics", "inventory", "metrics", "intelligent-tiering"])
    func `one configuration of a list is not there`(_ name: String) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        #expect(try await endpoint.send("GET", "/bucket", [name: "", "id": "x"]).failure == Failure(404, "NoSuchConfiguration"))
    }

    @Test func `an object's list, tags and locks are those of an object without any`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        let acl = try await endpoint.send("GET", "/bucket/key", ["acl": ""])
        #expect(acl.all("ID") == ["main-id", "main-id"])
        #expect(acl.all("DisplayName") == ["Main", "Main"])
        #expect(try await endpoint.send("GET", "/bucket/key", ["tagging": ""])["TagSet"] == "")
        for name in ["retention", "legal-hold"] {
            for method in ["GET", "PUT"] {
                #expect(try await endpoint.send(method, "/bucket/key", [name: ""]).failure == Failure(400, "InvalidRequest"))
            }
        }
        #expect(try await endpoint.send("PUT", "/bucket", ["object-lock": ""]).failure == Failure(409, "InvalidBucketState"))
        try await endpoint.setVersioning("Enabled")
        #expect(try await endpoint.send("PUT", "/bucket", ["object-lock": ""]).failure == Failure(501, "NotImplemented"))
        for name in ["acl", "tagging", "retention", "legal-hold"] {
            #expect(try await endpoint.send("GET", "/bucket/none", [name: ""]).failure == Failure(404, "NoSuchKey"))
        }
    }

    @Test func `an access list that says what holds is taken, any other is not`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        func put(_ path: String, _ headers: [String: String], _ document: String = "") async throws -> Failure {
            try await endpoint.send("PUT", path, ["acl": ""], headers, body: Array(document.utf8)).failure
        }
        func list(_ id: String, _ permission: String) -> String {
            "<AccessControlPolicy><Owner><ID>main-id</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                + "xsi:type=\"CanonicalUser\"><ID>\(id)</ID></Grantee><Permission>\(permission)</Permission></Grant></AccessControlList></AccessControlPolicy>"
        }
        for path in ["/bucket", "/bucket/key"] {
            #expect(try await put(path, ["x-amz-acl": "private"]).status == 200)
            #expect(try await put(path, [:], list("main-id", "FULL_CONTROL")).status == 200)
            #expect(try await put(path, [:], list("other-id", "FULL_CONTROL")) == Failure(501, "NotImplemented"))
            #expect(try await put(path, [:], list("main-id", "READ")) == Failure(501, "NotImplemented"))
            #expect(try await put(path, ["x-amz-acl": "public-read"]) == Failure(501, "NotImplemented"))
            #expect(try await put(path, ["x-amz-acl": "public-ready"]) == Failure(400, "InvalidArgument"))
            #expect(try await put(path, ["x-amz-grant-read": "id=other-id"]) == Failure(501, "NotImplemented"))
            #expect(try await put(path, [:]) == Failure(400, "MissingRequestBodyError"))
        }
    }

    @Test(arguments: [
        ("x-amz-server-side-encryption", "AES256", 501), ("x-amz-server-side-encryption", "aws:kms", 501), ("x-amz-server-side-encryption", "rot13", 400),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256", 501), ("x-amz-tagging", "a=b", 501), ("x-amz-acl", "public-read", 501),
        ("x-amz-acl", "odd", 400), ("x-amz-grant-read", "id=x", 501), ("x-amz-object-lock-mode", "GOVERNANCE", 501),
        ("x-amz-object-lock-legal-hold", "ON", 501), ("x-amz-storage-class", "GLACIER", 501), ("x-amz-storage-class", "PAPER", 400),
        ("x-amz-write-offset-bytes", "0", 501),
    ])
    func `a header that asks for more is refused by every write`(_ name: String, _ value: String, _ status: Int) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/source")
        #expect(try await endpoint.send("PUT", "/bucket/key", [:], [name: value]).status == status)
        #expect(try await endpoint.send("PUT", "/bucket/key", [:], [name: value, "x-amz-copy-source": "bucket/source"]).status == status)
        #expect(try await endpoint.send("POST", "/bucket/key", ["uploads": ""], [name: value]).status == status)
        #expect(try await endpoint.send("GET", "/bucket").all("Key") == ["source"])
    }

    @Test func `a bucket is not made with what it cannot have`() async throws {
        let endpoint = try await Endpoint()
        for (name, value) in [("x-amz-acl", "public-read"), ("x-amz-bucket-object-lock-enabled", "true"), ("x-amz-object-ownership", "ObjectWriter")] {
            #expect(try await endpoint.send("PUT", "/bucket", [:], [name: value]).failure == Failure(501, "NotImplemented"))
        }
        #expect(try await endpoint.send("HEAD", "/bucket").status == 404)
        #expect(try await endpoint.send("PUT", "/bucket", [:], ["x-amz-object-ownership": "BucketOwnerEnforced"]).status == 200)
    }

    @Test func `a customer's key does not apply to objects that have none`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        let headers = ["x-amz-server-side-encryption-customer-algorithm": "AES256"]
        #expect(try await endpoint.send("GET", "/bucket/key", [:], headers).failure == Failure(400, "InvalidRequest"))
        #expect(try await endpoint.send("HEAD", "/bucket/key", [:], headers).status == 400)
    }
}
