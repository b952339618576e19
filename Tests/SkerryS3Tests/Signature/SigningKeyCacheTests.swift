import Testing

@testable import SkerryS3

@Suite struct SigningKeyCacheTests {
    private let message = Array("message".utf8)

    @Test func `a key is the same from the cache and anew`() {
        let cache = SigningKeyCache(region: "us-east-1")
        let first = cache.key(for: exampleCredential, day: 20_130_524).code(for: message)
        #expect(cache.key(for: exampleCredential, day: 20_130_524).code(for: message) == first)
        #expect(cache.count == 1)
        #expect(SigningKeyCache(region: "us-east-1").key(for: exampleCredential, day: 20_130_524).code(for: message) == first)
    }

    @Test func `day, region and secret each make another key`() {
        let cache = SigningKeyCache(region: "us-east-1")
        let codes = [
            cache.key(for: exampleCredential, day: 20_130_524).code(for: message),
            cache.key(for: exampleCredential, day: 20_130_525).code(for: message),
            SigningKeyCache(region: "eu-west-1").key(for: exampleCredential, day: 20_130_524).code(for: message),
            cache.key(for: SigningCredential(accessKey: exampleCredential.accessKey, secretKey: "new"), day: 20_130_524).code(for: message),
        ]
        #expect(Set(codes).count == 4)
    }

    @Test func `a rotated secret counts at once`() {
        let cache = SigningKeyCache(region: "us-east-1")
        let rotated = SigningCredential(accessKey: exampleCredential.accessKey, secretKey: "new")
        let old = cache.key(for: exampleCredential, day: 20_130_524).code(for: message)
        let new = cache.key(for: rotated, day: 20_130_524).code(for: message)
        #expect(old != new)
        #expect(cache.key(for: rotated, day: 20_130_524).code(for: message) == new)
        #expect(cache.key(for: exampleCredential, day: 20_130_524).code(for: message) == old)
        #expect(cache.count == 1)
    }

    @Test func `a key outlives one generation unused, and not two`() {
        let cache = SigningKeyCache(region: "us-east-1")
        _ = cache.key(for: exampleCredential, day: 20_130_524)
        func fillGeneration(_ number: Int) {
            for index in 0..<SigningKeyCache.generationCapacity {
                _ = cache.key(for: SigningCredential(accessKey: "key\(number)-\(index)", secretKey: "s"), day: 20_130_524)
            }
        }
        fillGeneration(0)
        #expect(cache.holds(exampleCredential.accessKey, day: 20_130_524))
        fillGeneration(1)
        #expect(!cache.holds(exampleCredential.accessKey, day: 20_130_524))
    }

    @Test func `the cache stays within two generations and keeps what is in use`() {
        let cache = SigningKeyCache(region: "us-east-1")
        for number in 0..<(3 * SigningKeyCache.generationCapacity) {
            _ = cache.key(for: SigningCredential(accessKey: "key\(number)", secretKey: "s"), day: 20_130_524)
            _ = cache.key(for: exampleCredential, day: 20_130_524)
            #expect(cache.count <= 2 * SigningKeyCache.generationCapacity)
            #expect(cache.holds(exampleCredential.accessKey, day: 20_130_524))
        }
    }

    @Test func `a credential never describes its secret`() {
        let credential = SigningCredential(accessKey: "key", secretKey: "hush")
        var dumped = ""
        dump(credential, to: &dumped)
        for text in ["\(credential)", String(reflecting: credential), dumped, "\([credential])"] {
            #expect(!text.contains("hush"))
            #expect(!text.contains("104"))
        }
    }
}
