import HTTPTypes
import SkerryObjects
import Testing

@testable import SkerryS3

@Suite("What a header says") struct FieldTests {
    @Test(
        arguments: [
            ("bytes=0-0", 10, 0..<1), ("bytes=5-", 10, 5..<10), ("bytes=-3", 10, 7..<10), ("bytes=-30", 10, 0..<10),
            ("bytes=0-99999999999999999999999", 10, 0..<10),
        ] as [(String, UInt64, Range<UInt64>)])
    func `ranges are resolved against a size`(_ text: String, _ size: UInt64, _ expected: Range<UInt64>) throws {
        #expect(try #require(ByteRange(header: text)).resolved(size: size) == expected)
    }

    @Test func `a resolved range lies within the object and is not empty`() {
        for size in 0...6 as ClosedRange<UInt64> {
            for first in 0...7 as ClosedRange<UInt64> {
                for range in [ByteRange.from(first), .suffix(first)] + (first...7).map({ .closed(first: first, last: $0) }) {
                    guard let bytes = range.resolved(size: size) else { continue }
                    #expect(!bytes.isEmpty && bytes.upperBound <= size, "\(range) of \(size)")
                }
            }
        }
    }

    @Test(arguments: [
        ("*", ETagPattern.any), ("\"*\"", .any), ("\"a\"", .tags(["a"])), ("a", .tags(["a"])),
        ("W/\"a\", \"b\" ,c", .tags(["a", "b", "c"])), ("", .tags([])),
    ])
    func `entity tags are read with and without quotes`(_ text: String, _ expected: ETagPattern) {
        #expect(ETagPattern(text) == expected)
    }

    @Test(arguments: ["ä", "漢字かな混じり", String(repeating: "ö", count: 100), "plain ä plain"])
    func `encoded words carry any text, short words at a time`(_ text: String) {
        let encoded = EncodedWord.encode(text)
        let words = encoded.split(separator: " ")
        #expect(words.allSatisfy { $0.utf8.count <= 75 && $0.hasPrefix("=?UTF-8?B?") })
        #expect(EncodedWord.decode(encoded) == text)
    }

    @Test(arguments: [
        ("=?UTF-8?Q?a_=C3=A4?=", "a ä"), ("=?iso-8859-1?q?=E4?=", "ä"), ("=?utf-8?b?w6Q=?= =?UTF-8?Q?b?=", "äb"), ("plain", "plain"),
        ("=?UTF-8?B?***?=", "=?UTF-8?B?***?="), ("=?UTF-8?X?a?=", "=?UTF-8?X?a?="), ("=?klingon?B?w6Q=?=", "=?klingon?B?w6Q=?="),
        ("=?", "=?"),
        ("=?UTF-8?Q?100%?=", "=?UTF-8?Q?100%?="),
    ])
    func `words of other writers are read, and what only looks like one is kept`(_ text: String, _ expected: String) {
        #expect(EncodedWord.decode(text) == expected)
    }

    @Test func `fields of one metadata name are joined`() throws {
        var fields = HTTPFields()
        for value in ["a", "b"] { fields.append(HTTPField(name: HTTPField.Name("x-amz-meta-k")!, value: value)) }
        #expect(try ObjectMetadata(fields).user == [.init(name: "k", value: "a,b")])
    }

    @Test func `tokens carry any name, and others are refused`() throws {
        for name in [[0x00], [0xFF, 0x2F], Array("a/ä".utf8)] as [[UInt8]] {
            #expect(try ContinuationToken.name(ContinuationToken.text(name)) == name)
        }
        #expect(try ContinuationToken.name("") == nil)
        for text in ["2YQ==", "1!", "1YQ"] { #expect(throws: S3Error.self) { try ContinuationToken.name(text) } }
    }
}
