import Testing

/// A request as a client sent it, signed by the client's own code.
struct ClientVector: Sendable, CustomTestStringConvertible {
    var name: String
    var method: String
    var target: String
    var fields: [(String, String)]
    var bucket: String?
    var key: String
    var body: String

    var testDescription: String { name }
}

extension ClientVector {
    /// Made with botocore 1.43 against the clock 2013-05-24T00:00:00Z, region `eu-west-1`, taken from its `before-send` event and from
    /// `generate_presigned_url`; fields that take no part in a signature were dropped.
    static let all: [ClientVector] = [
        .init(
            name: "header GET 'plain.txt'", method: "GET", target: "/bucket/plain.txt",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=12c6778a194c4cb9bb411c9e2765c2af18b0fb5d104129243f1777ae96a1f7b0"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "plain.txt", body: ""),
        .init(
            name: "header GET 'a//b'", method: "GET", target: "/bucket/a//b",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=e3824f500b45338c687407013c8e01fb06472edc187fdda78545a1f11448d680"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "a//b", body: ""),
        .init(
            name: "header GET 'a/../b'", method: "GET", target: "/bucket/a/../b",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=80128221fc4ff99cefd52a7d93b80abffb13d228c7565d80a90a86d4156858d4"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "a/../b", body: ""),
        .init(
            name: "header GET '..'", method: "GET", target: "/bucket/..",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=3b0986dbd7f9a4be8a49ac692fefbff3f53cae6b2868d0b599f544efaee8f0a4"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "..", body: ""),
        .init(
            name: "header GET './x'", method: "GET", target: "/bucket/./x",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=edc116104c0a736fcbbb6b16b8f3a0ff9d833ee910063181b3de937d4c868fe0"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "./x", body: ""),
        .init(
            name: "header GET 'trailing/'", method: "GET", target: "/bucket/trailing/",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=02cff51544f88705bd7d9a15af4d8490a767d37fdec710c1966e4172e48da4c0"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "trailing/", body: ""),
        .init(
            name: "header GET 'a+b'", method: "GET", target: "/bucket/a%2Bb",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=042f6ecebf39140d94333b6c5c00fd6d35d6339c73994f26b4238eb8e0aa719f"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "a+b", body: ""),
        .init(
            name: "header GET '100%'", method: "GET", target: "/bucket/100%25",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=c5bcfb7b4f254ce883923fcc74cc6fc137e4f44e00d12f4ee4d83967869a84da"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "100%", body: ""),
        .init(
            name: "header GET 'a%2Fb'", method: "GET", target: "/bucket/a%252Fb",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=1aa09a6e538219a737494c0ff0b9d6a642483f6cf1ac90becd6cc5bdb022f750"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "a%2Fb", body: ""),
        .init(
            name: "header GET 'sp ace'", method: "GET", target: "/bucket/sp%20ace",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=a0aecdbcc98364555b86c801675c4df7cd6b39b21311b97223553d400e50c282"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "sp ace", body: ""),
        .init(
            name: "header GET 'ünï/cødé'", method: "GET", target: "/bucket/%C3%BCn%C3%AF/c%C3%B8d%C3%A9",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=eb5a9ecc8441bf77ea04361b650fe9e002bd062b2b745b77a7b555a82c8cceb6"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "ünï/cødé", body: ""),
        .init(
            name: "header GET '日本'", method: "GET", target: "/bucket/%E6%97%A5%E6%9C%AC",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=c13c3a71574481958bb0138a064db21603e8c46d850dc48a5d02986a5c7b822f"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "日本", body: ""),
        .init(
            name: "header GET 'q?x=1&y#z'", method: "GET", target: "/bucket/q%3Fx%3D1%26y%23z",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=e4a97469d30355e886bd6c0e563db73b9a3c3ddeacc3a40da2e8b9f912361bf7"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "q?x=1&y#z", body: ""),
        .init(
            name: "header GET '!\\'()*$;:@,=[]{}|\\\\^`\"<>~'", method: "GET",
            target: "/bucket/%21%27%28%29%2A%24%3B%3A%40%2C%3D%5B%5D%7B%7D%7C%5C%5E%60%22%3C%3E~",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=9930299d2d0536003ff01c23da17665251efdf956d0720200126fe2504991353"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "!'()*$;:@,=[]{}|\\^`\"<>~", body: ""),
        .init(
            name: "header GET 'tab\\there'", method: "GET", target: "/bucket/tab%09here",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=3d38e126ee6c6fbd146bd64809fa510c9242e276b3bee0c3d8f31709dfedf612"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "tab\there", body: ""),
        .init(
            name: "header GET '/lead'", method: "GET", target: "/bucket//lead",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=b433003135b6f3da32a1d85b4d9bba4e669132f15b1973d1dad5f5f99629b5f6"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "/lead", body: ""),
        .init(
            name: "header GET 'nl\\nx'", method: "GET", target: "/bucket/nl%0Ax",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=874b714eb1ac0fcc866e48f868a3f7ae267997c8d39e5b38684ba7f2744428df"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "nl\nx", body: ""),
        .init(
            name: "header GET '%zz'", method: "GET", target: "/bucket/%25zz",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=ac687514de7ddcea29e5ffda5b5c7eb7bb4de6573a9a6acc580b95c681a542c1"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "%zz", body: ""),
        .init(
            name: "presigned GET 'plain.txt'", method: "GET",
            target:
                "/bucket/plain.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=390e2122fc9efc42ada967ac1a55f29206f84e4ceccacfa78633c3dc002cec70",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "plain.txt", body: ""),
        .init(
            name: "presigned GET 'a//b'", method: "GET",
            target:
                "/bucket/a//b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=e839e93f03b84ec504081b3a83ec1ca930aad115bf0a0fd85f7c27752841d0cc",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "a//b", body: ""),
        .init(
            name: "presigned GET 'a/../b'", method: "GET",
            target:
                "/bucket/a/../b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=0a87f18d52dbf5d952f8a01698bb7270eff0495c25352c150298b9f38db1c5dd",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "a/../b", body: ""),
        .init(
            name: "presigned GET '..'", method: "GET",
            target:
                "/bucket/..?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=ceba4b642659cbe46ee8f650c87136d5c92d3a1879ab658254a7e5e326cb6d4b",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "..", body: ""),
        .init(
            name: "presigned GET './x'", method: "GET",
            target:
                "/bucket/./x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=5114b642eca738d85f489d3973cbc2f0c388435a48eec1870f8a5356858c6e56",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "./x", body: ""),
        .init(
            name: "presigned GET 'trailing/'", method: "GET",
            target:
                "/bucket/trailing/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=ce507727dbad0a25855a9e00780dd2388e97a6a5f5e4078cf29408ad15b83589",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "trailing/", body: ""),
        .init(
            name: "presigned GET 'a+b'", method: "GET",
            target:
                "/bucket/a%2Bb?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=20aa3d3a77752e7edc0f13bd3669225850203046cad1d014830b22f68cc82d44",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "a+b", body: ""),
        .init(
            name: "presigned GET '100%'", method: "GET",
            target:
                "/bucket/100%25?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=ed0fbc4aa1fd170a9df1807f9ed36a3bcad911efdca627cbdec8e1a5f765c7fa",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "100%", body: ""),
        .init(
            name: "presigned GET 'a%2Fb'", method: "GET",
            target:
                "/bucket/a%252Fb?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=f08d98cc902b93648128457c0b5017b6b4dc482d77b29520e316c683b6bbea0d",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "a%2Fb", body: ""),
        .init(
            name: "presigned GET 'sp ace'", method: "GET",
            target:
                "/bucket/sp%20ace?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=5a5b292033f1b601e5bef9621eb73e36b6aace659be010ca111f7b8890a515d1",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "sp ace", body: ""),
        .init(
            name: "presigned GET 'ünï/cødé'", method: "GET",
            target:
                "/bucket/%C3%BCn%C3%AF/c%C3%B8d%C3%A9?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=8d85a7151b57c522343650eb95bc0d93f0e33556d8155df1add722f3bf05c198",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "ünï/cødé", body: ""),
        .init(
            name: "presigned GET '日本'", method: "GET",
            target:
                "/bucket/%E6%97%A5%E6%9C%AC?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=9458e622f146c50d6452fa3f8ea7c126069675543b14e0e821c2ad9be2d5b3ad",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "日本", body: ""),
        .init(
            name: "presigned GET 'q?x=1&y#z'", method: "GET",
            target:
                "/bucket/q%3Fx%3D1%26y%23z?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=61ebfa25cd7b6b66b3401683c5ef6818047c01acff9e8326f2a58f74d361b3cf",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "q?x=1&y#z", body: ""),
        .init(
            name: "presigned GET '!\\'()*$;:@,=[]{}|\\\\^`\"<>~'", method: "GET",
            target:
                "/bucket/%21%27%28%29%2A%24%3B%3A%40%2C%3D%5B%5D%7B%7D%7C%5C%5E%60%22%3C%3E~?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=403b2744269ff3af90baa8f3baab16a33daa121831ed170df3270c09249e28f8",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "!'()*$;:@,=[]{}|\\^`\"<>~", body: ""),
        .init(
            name: "presigned GET 'tab\\there'", method: "GET",
            target:
                "/bucket/tab%09here?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=e7bd8fec83927430336d5a9a2571f9f1855787ffc45653d7cab6ce64ee93df93",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "tab\there", body: ""),
        .init(
            name: "presigned GET '/lead'", method: "GET",
            target:
                "/bucket//lead?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=2f3a1106bc4071215a30192ffc7dcb20e4e561fa7357bed4a924a20ab98d5702",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "/lead", body: ""),
        .init(
            name: "presigned GET 'nl\\nx'", method: "GET",
            target:
                "/bucket/nl%0Ax?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=68b021320109d8807b11b113740677bdb366072b9e9a19bf59e077514974cf90",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "nl\nx", body: ""),
        .init(
            name: "presigned GET '%zz'", method: "GET",
            target:
                "/bucket/%25zz?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=0afb964291c78cf0a6b9a27f52d25b7b3cf639e3e27a494630adf3e8c1b61b0b",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "%zz", body: ""),
        .init(
            name: "service", method: "GET", target: "/",
            fields: [
                ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=bd9e80b9106884bec79a670db8a5d359070254d6d9bf3e67282102fe041b0743"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: nil, key: "", body: ""),
        .init(
            name: "list with odd prefix", method: "GET",
            target:
                "/bucket?list-type=2&prefix=a%20b%2Bc%2F%C3%BC%26%3D%25&delimiter=%2F%2F&continuation-token=x%2B%2F%3D&encoding-type=url",
            fields: [
                ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=a8913fd160b44dfa956356044118135f20fa4222ea0dc3f80021fe916705e2fb"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "", body: ""),
        .init(
            name: "sub-resource without value", method: "GET", target: "/bucket?acl",
            fields: [
                ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=64634b24d1c69a1254c6c126db5bbe3a94481974a8b00fb486a98b7895a12ba4"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "", body: ""),
        .init(
            name: "empty values", method: "GET", target: "/bucket?prefix=&marker=&delimiter=&encoding-type=url",
            fields: [
                ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=258cd8d73270542ccf273583da5b63ca2b1a89cf151dd5f4a3befbf939e7ddcb"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "", body: ""),
        .init(
            name: "metadata with spaces", method: "PUT", target: "/bucket/k",
            fields: [
                ("x-amz-meta-two", "a   b"), ("x-amz-meta-Odd", "x"), ("Content-Type", "text/plain"), ("Expect", "100-continue"),
                ("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-sdk-checksum-algorithm", "CRC32"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-meta-odd;x-amz-meta-two;x-amz-sdk-checksum-algorithm, Signature=ded5b898947073af83845f33f5acb475d07958ef2c658df2e4649c013102882c"
                ), ("Content-Length", "5"), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "k", body: "hello"),
        .init(
            name: "md5", method: "POST", target: "/bucket?delete",
            fields: [
                ("x-amz-checksum-crc32", "CEaAGw=="), ("x-amz-sdk-checksum-algorithm", "CRC32"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "0ebe2d4e061df349be597c8e7da1bea023a159bae0fb2a70efca7c1395be1439"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-sdk-checksum-algorithm, Signature=4841e27c5ab1d9911a9e28d385d6ffc91685e88d2a4da48ce8906eadf1807fdc"
                ), ("Content-Length", "94"), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "bucket", key: "",
            body: "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key></Object></Delete>"),
        .init(
            name: "response overrides", method: "GET",
            target:
                "/bucket/k?response-content-disposition=attachment%3B%20filename%3D%22a%20b%2Bc.txt%22&versionId=null&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=6a988daf07d226560e650f107e2e0d2d658fc2c457541937454d114e63a88795",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "k", body: ""),
        .init(
            name: "presigned PUT", method: "PUT",
            target:
                "/bucket/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=a1f400de858bdab41a744332fa2542562f1ebafff49c1a9a9e9934c02faae956",
            fields: [("Host", "127.0.0.1:9000")],
            bucket: "bucket", key: "k", body: ""),
        .init(
            name: "virtual host", method: "GET", target: "/a/b%20c",
            fields: [
                ("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature=1682b9043d8b447ac87cde971b91b5a64ebe2d41d5a6ffbd91c032b4fbeb9f19"
                ), ("Host", "photos.s3.example.org"),
            ],
            bucket: "photos", key: "a/b c", body: ""),
        .init(
            name: "virtual host presigned", method: "GET",
            target:
                "/a/b%20c?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=2b8954ec18a5b730cc05ed5ed92760f23c5b4dcf9bea74ce1d968e444efd4bd2",
            fields: [("Host", "photos.s3.example.org")],
            bucket: "photos", key: "a/b c", body: ""),
        .init(
            name: "unsigned trailer", method: "PUT", target: "/t",
            fields: [
                ("Expect", "100-continue"), ("Transfer-Encoding", "chunked"), ("Content-Encoding", "aws-chunked"),
                ("X-Amz-Trailer", "x-amz-checksum-crc32"), ("X-Amz-Decoded-Content-Length", "33"),
                ("x-amz-sdk-checksum-algorithm", "CRC32"), ("X-Amz-Date", "20130524T000000Z"),
                ("X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-sdk-checksum-algorithm;x-amz-trailer, Signature=52a6e8a4e3919606e96872a1d680cf6c9cfd03814ab26e191db77b2ef4d48059"
                ), ("Host", "photos.s3.example.org"),
            ],
            bucket: "photos", key: "t", body: "21\r\nhello worldhello worldhello world\r\n0\r\nx-amz-checksum-crc32:lrVJrA==\r\n\r\n"),
        .init(
            name: "unsigned trailer over path style", method: "PUT", target: "/b/t",
            fields: [
                ("Content-Encoding", "gzip,aws-chunked"), ("x-amz-sdk-checksum-algorithm", "SHA256"), ("Expect", "100-continue"),
                ("Transfer-Encoding", "chunked"), ("X-Amz-Trailer", "x-amz-checksum-sha256"), ("X-Amz-Decoded-Content-Length", "70"),
                ("X-Amz-Date", "20130524T000000Z"), ("X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-1/s3/aws4_request, SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-sdk-checksum-algorithm;x-amz-trailer, Signature=f9f2fc4d3523705a14b8ac46847876823378829ff50f7422cc8fbe603e4ddd6a"
                ), ("Host", "127.0.0.1:9000"),
            ],
            bucket: "b", key: "t",
            body:
                "46\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n0\r\nx-amz-checksum-sha256:xxvRCSJ+I0NOz3H9CjRKIJE2x5rloL2itcpELWmaPNk=\r\n\r\n"
        ),
    ]
}
