import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Buckets") struct BucketTests {
    @Test func `a bucket can be made, seen, listed and removed`() async throws {
        let endpoint = try await Endpoint()
        let made = try await endpoint.send("PUT", "/bucket")
        #expect(made.status == 200)
        #expect(made.header("location") == "/bucket")
        let head = try await endpoint.send("HEAD", "/bucket")
        #expect(head.status == 200)
        #expect(head.header("x-amz-bucket-region") == "us-east-1")
        let list = try await endpoint.send("GET", "/")
        #expect(list.all("Name") == ["bucket"])
        #expect(list["ID"] == "main-id")
        #expect(list["DisplayName"] == "Main")
        #expect(list.all("BucketRegion") == ["us-east-1"])
        #expect(try await endpoint.send("DELETE", "/bucket").status == 204)
        #expect(try await endpoint.send("DELETE", "/bucket").failure == Failure(404, "NoSuchBucket"))
        #expect(try await endpoint.send("GET", "/").all("Name").isEmpty)
    }

    @Test func `a listing of buckets is paged, and the last page has no token`() async throws {
        let endpoint = try await Endpoint()
        for name in ["alpha", "beta", "beta-two", "gamma"] { try await endpoint.makeBucket(name) }
        var names: [[String]] = []
        var token: String?
        repeat {
            var query = ["max-buckets": "2"]
            query["continuation-token"] = token
            let page = try await endpoint.send("GET", "/", query)
            names.append(page.all("Name"))
            token = page["ContinuationToken"]
        } while token != nil
        #expect(names == [["alpha", "beta"], ["beta-two", "gamma"]])
        #expect(try await endpoint.send("GET", "/", ["prefix": "beta"]).all("Name") == ["beta", "beta-two"])
        #expect(try await endpoint.send("GET", "/", ["bucket-region": "eu-west-1"]).all("Name").isEmpty)
        #expect(try await endpoint.send("GET", "/", ["max-buckets": "0"]).failure == Failure(400, "InvalidArgument"))
        #expect(try await endpoint.send("GET", "/", ["continuation-token": "!"]).failure == Failure(400, "InvalidArgument"))
    }

    @Test func `users see their own buckets, root sees all`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket("mine")
        try await endpoint.makeBucket("theirs", as: .other)
        #expect(try await endpoint.send("GET", "/").all("Name") == ["mine"])
        #expect(try await endpoint.send("GET", "/", as: .root).all("Name") == ["mine", "theirs"])
    }

    @Test func `making a bucket again succeeds in the first region and conflicts elsewhere`() async throws {
        let first = try await Endpoint()
        try await first.makeBucket()
        #expect(try await first.send("PUT", "/bucket").status == 200)
        #expect(try await first.send("PUT", "/bucket", as: .other).failure == Failure(409, "BucketAlreadyExists"))
        #expect(try await first.send("PUT", "/bucket", [:], ["x-amz-acl": "public-read"]).failure == Failure(409, "BucketAlreadyExists"))
        let elsewhere = try await Endpoint(region: "harbour-1")
        try await elsewhere.makeBucket()
        #expect(try await elsewhere.send("PUT", "/bucket").failure == Failure(409, "BucketAlreadyOwnedByYou"))
    }

    @Test(arguments: [("us-east-1", ""), ("harbour-1", "harbour-1")])
    func `the location is the region, and the first region has no name`(_ region: String, _ location: String) async throws {
        let endpoint = try await Endpoint(region: region)
        let document =
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>\(region)</LocationConstraint></CreateBucketConfiguration>"
        #expect(try await endpoint.send("PUT", "/bucket", body: Array(document.utf8)).status == 200)
        let reply = try await endpoint.send("GET", "/bucket", ["location": ""])
        #expect(reply.text.hasSuffix("\"http://s3.amazonaws.com/doc/2006-03-01/\">\(location)</LocationConstraint>"))
    }

    @Test func `a location elsewhere, a broken document and a bad name are refused`() async throws {
        let endpoint = try await Endpoint()
        let elsewhere = "<CreateBucketConfiguration><LocationConstraint>mars-1</LocationConstraint></CreateBucketConfiguration>"
        #expect(try await endpoint.send("PUT", "/bucket", body: Array(elsewhere.utf8)).failure == Failure(400, "InvalidLocationConstraint"))
        #expect(try await endpoint.send("PUT", "/bucket", body: Array("<Create".utf8)).failure == Failure(400, "MalformedXML"))
        for name in ["ab", "Upper", "under_score", "192.168.1.1", "a..b", "-dash", "xn--x"] {
            #expect(try await endpoint.send("PUT", "/\(name)").failure == Failure(400, "InvalidBucketName"), "\(name)")
        }
        #expect(try await endpoint.send("GET", "/").all("Name").isEmpty)
    }

    @Test func `a bucket with objects, versions or markers cannot be removed`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        #expect(try await endpoint.send("DELETE", "/bucket").failure == Failure(409, "BucketNotEmpty"))
        try await endpoint.setVersioning("Enabled")
        try await endpoint.send("DELETE", "/bucket/key")
        #expect(try await endpoint.send("DELETE", "/bucket").failure == Failure(409, "BucketNotEmpty"))
        let versions = try await endpoint.send("GET", "/bucket", ["versions": ""])
        for version in versions.all("VersionId") { try await endpoint.send("DELETE", "/bucket/key", ["versionId": version]) }
        #expect(try await endpoint.send("DELETE", "/bucket").status == 204)
    }

    @Test func `versioning is read back as it was set`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        #expect(try await endpoint.send("GET", "/bucket", ["versioning": ""])["Status"] == nil)
        for status in ["Suspended", "Enabled", "Enabled", "Suspended"] {
            try await endpoint.setVersioning(status)
            #expect(try await endpoint.send("GET", "/bucket", ["versioning": ""])["Status"] == status)
        }
        for (document, code) in [
            ("<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", "MalformedXML"),
            ("<VersioningConfiguration/>", "IllegalVersioningConfigurationException"),
            ("<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>", "NotImplemented"),
        ] {
            let reply = try await endpoint.send("PUT", "/bucket", ["versioning": ""], body: Array(document.utf8))
            #expect(reply["Code"] == code)
        }
    }
}
