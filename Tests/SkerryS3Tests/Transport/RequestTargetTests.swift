import HTTPTypes
import Testing

@testable import SkerryS3

@Suite struct RequestTargetTests {
    private func target(_ text: String, host: String = "localhost", domains: [String] = []) throws(RequestTargetError) -> RequestTarget {
        try RequestTarget(target: Array(text.utf8)[...], host: Array(host.utf8)[...], domains: EndpointDomains(domains))
    }

    @Test(arguments: [
        ("/", nil, ""), ("/bucket", "bucket", ""), ("/bucket/", "bucket", ""), ("/bucket/key", "bucket", "key"),
        ("/bucket//", "bucket", "/"),
        ("/bucket//key", "bucket", "/key"), ("/bucket/a//b", "bucket", "a//b"), ("/bucket/..", "bucket", ".."),
        ("/bucket/../x", "bucket", "../x"),
        ("/bucket/a/", "bucket", "a/"), ("/bucket/a+b", "bucket", "a+b"), ("/bucket/a%2Bb", "bucket", "a+b"),
        ("/bucket/a%20b", "bucket", "a b"),
        ("/bucket/a%252Fb", "bucket", "a%2Fb"), ("/bucket/a%2fb", "bucket", "a/b"), ("/bucket/%C3%BC", "bucket", "ü"),
        ("/bucket/ü", "bucket", "ü"),
        ("/b%75cket/key", "bucket", "key"), ("/bucket/a%3Fb", "bucket", "a?b"), ("/bucket/a#b", "bucket", "a#b"), ("/?x", nil, ""),
        ("/bucket?x", "bucket", ""), ("/bucket/?x", "bucket", ""), ("/bucket/k?a?b", "bucket", "k"),
        ("http://other/bucket/key", "bucket", "key"),
        ("HTTPS://other:443/bucket/key?x", "bucket", "key"), ("http://other", nil, ""), ("http://other?x", nil, ""),
    ])
    func `a path gives bucket and key, decoded once and not normalised`(text: String, bucket: String?, key: String) throws {
        let target = try target(text)
        #expect(target.bucket == bucket)
        #expect(target.key == Array(key.utf8))
        #expect(target.addressing == .path)
    }

    @Test func `a key may hold every byte, escaped or not`() throws {
        let all = [UInt8](0...255)
        let escaped = ReferenceSigner.encode(all, slash: false)
        #expect(try target("/b/" + escaped).key == all)
        let raw = all.filter { $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "?") }
        let target = try RequestTarget(target: (Array("/b/".utf8) + raw)[...], host: [], domains: EndpointDomains())
        #expect(target.key == raw)
    }

    @Test(arguments: [
        ("/bucket/%", 8), ("/bucket/a%2", 9), ("/bucket/%zz", 8), ("/bucket/%0", 8), ("/b/k?x=%", 7), ("/b/k?x=1&%G0", 9), ("/b/%%41", 3),
        ("http://h/b/%", 11),
    ])
    func `a broken escape is an error that says where`(text: String, offset: Int) {
        #expect(throws: RequestTargetError.invalidEscape(offset: offset)) { try target(text) }
    }

    @Test(arguments: ["", "*", "bucket/key", "localhost:9000", "ftp://host/bucket", "http:/bucket", "hTtp"])
    func `what is no path is refused`(text: String) {
        #expect(throws: RequestTargetError.notAPath) { try target(text) }
    }

    @Test func `a request without a target is refused`() {
        #expect(throws: RequestTargetError.missing) {
            try RequestTarget(HTTPRequest(method: .get, scheme: nil, authority: nil, path: nil))
        }
    }

    @Test func `a key without a bucket and a bucket of odd bytes are refused`() {
        #expect(throws: RequestTargetError.emptyBucketName) { try target("//key") }
        #expect(throws: RequestTargetError.emptyBucketName) { try target("//") }
        #expect(throws: RequestTargetError.invalidBucketName) { try target("/%FF/key") }
    }

    @Test(arguments: [
        ("photos.s3.example.org", "photos"), ("photos.s3.example.org:9000", "photos"), ("PHOTOS.S3.Example.ORG", "photos"),
        ("a.b.s3.example.org.", "a.b"), ("photos.s3.eu.example.org", "photos"), ("x.y.s3.eu.example.org:1", "x.y"),
    ])
    func `a host below a domain names the bucket`(host: String, bucket: String) throws {
        let target = try target("/a//b", host: host, domains: ["s3.example.org", ".S3.eu.example.org.:80"])
        #expect(target.bucket == bucket)
        #expect(target.key == Array("a//b".utf8))
        #expect(target.addressing == .virtualHost)
        #expect(try self.target("/", host: host, domains: ["s3.example.org", "s3.eu.example.org"]).key.isEmpty)
    }

    @Test(arguments: [
        "s3.example.org", "S3.example.org:9000", "s3.example.org.", "example.org", "xs3.example.org", ".s3.example.org", "127.0.0.1:9000",
        "[::1]:9000",
        "[::ffff:127.0.0.1]", "[::1", "localhost", "", ":9000", "photos.s3.example.org.evil.test",
    ])
    func `any other host is path style`(host: String) throws {
        let target = try target("/bucket/key", host: host, domains: ["s3.example.org"])
        #expect(target.bucket == "bucket")
        #expect(target.addressing == .path)
    }

    @Test func `the most specific domain wins`() throws {
        let target = try target("/k", host: "b.eu.s3.example.org", domains: ["s3.example.org", "eu.s3.example.org"])
        #expect(target.bucket == "b")
    }

    @Test func `an absolute target brings its own host`() throws {
        let target = try target("http://photos.s3.example.org/k", host: "localhost", domains: ["s3.example.org"])
        #expect(target.bucket == "photos")
    }

    @Test func `random targets never trap`() {
        var numbers = SeededNumbers(state: 21)
        let alphabet = Array("/?%&=+#.ab0F:[]@\u{0}".utf8) + [0xff, 0x80]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &numbers)).map { _ in alphabet.randomElement(using: &numbers)! }
            let host = (0..<Int.random(in: 0...12, using: &numbers)).map { _ in alphabet.randomElement(using: &numbers)! }
            _ = try? RequestTarget(target: ([47] + bytes)[...], host: host[...], domains: EndpointDomains(["a.b"]))
            _ = try? RequestTarget(target: bytes[...], host: host[...], domains: EndpointDomains(["a.b"]))
        }
    }
}

@Suite struct QueryItemsTests {
    private func items(_ text: String) throws(RequestTargetError) -> QueryItems { try QueryItems(decoding: Array(text.utf8)[...]) }

    @Test func `order, duplicates and missing values are kept`() throws {
        let items = try items("b=2&a=1&b=3&acl&policy=&=x&a%3Db=c=d")
        #expect(items.map { String(decoding: $0.name, as: UTF8.self) } == ["b", "a", "b", "acl", "policy", "", "a=b"])
        #expect(items.map { $0.value.map { String(decoding: $0, as: UTF8.self) } } == ["2", "1", "3", nil, "", "x", "c=d"])
        #expect(items.text("b") == "2")
        #expect(items.contains("acl"))
        #expect(items.text("acl") == "")
        #expect(items.text("policy") == "")
        #expect(!items.contains("ac"))
        #expect(items.text("missing") == nil)
    }

    @Test func `a plus is a space and an escaped plus a plus`() throws {
        #expect(try items("prefix=a+b%2Bc%20d").text("prefix") == "a b+c d")
        #expect(try items("a+b=1").text("a b") == "1")
    }

    @Test func `empty items are dropped`() throws {
        #expect(try items("&&a&&b&").count == 2)
        #expect(try items("").isEmpty)
        #expect(try items("&").isEmpty)
    }

    @Test func `values are bytes, text only where they are UTF-8`() throws {
        let items = try items("marker=%FF%00")
        #expect(items["marker"].map { Array($0) } == [0xff, 0])
        #expect(items.text("marker") == nil)
    }

    @Test(arguments: [
        ("b=2&a=1", "a=1&b=2"), ("acl", "acl="), ("a=2&a=1&a", "a=&a=1&a=2"), ("a-b=1&a=2", "a=2&a-b=1"),
        ("a%2Fb=1&a-b=2", "a%2Fb=1&a-b=2"),
        ("X-Amz-Signature=1&x-amz-signature=2&X-Amz-Signature", "x-amz-signature=2"), ("k=%7e%41%2f", "k=~A%2F"), ("k=a+b", "k=a%20b"),
        ("", ""),
        ("a=!'()*", "a=%21%27%28%29%2A"),
    ])
    func `the canonical query is sorted by its encoded bytes`(text: String, canonical: String) throws {
        var bytes: [UInt8] = []
        try items(text).appendCanonical(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == canonical)
    }
}

@Suite struct ContentCodingsTests {
    @Test(arguments: [
        ("aws-chunked", nil), ("gzip", "gzip"), ("aws-chunked,gzip", "gzip"), ("gzip, aws-chunked", "gzip"),
        ("AWS-Chunked , br , gzip", "br,gzip"),
        ("gzip , br", "gzip , br"), ("aws-chunked,", nil), ("", ""), ("aws-chunkedx", "aws-chunkedx"),
    ])
    func `aws-chunked is not stored`(value: String, stored: String?) {
        #expect(ContentCodings.stored(value) == stored)
    }

    @Test func `a request without a coding has none to store`() {
        #expect(ContentCodings.stored(HTTPFields()) == nil)
        #expect(ContentCodings.stored([.contentEncoding: "aws-chunked"]) == nil)
        #expect(ContentCodings.stored([.contentEncoding: "zstd"]) == "zstd")
    }
}
