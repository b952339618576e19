import SkerryCodec

/// The record of the figures: 9 fields, 4 nested records, 2 arrays; about 256 bytes in bin, 489 in JSON.
struct Meta: Codable, Equatable, Sendable {
    var bucket: String
    var key: String
    var size: Int
    var etag: String
    var contentType: String?
    var owner: Owner
    var tags: [String]
    var parts: [Part]
    var isLatest: Bool

    static let sample = Meta(
        bucket: "photographs", key: "2026/holiday/lighthouse-at-low-tide.jpeg", size: 5_242_880, etag: "9b2cf535f27731c974343645a3985328",
        contentType: "image/jpeg", owner: Owner(id: "AKIAIOSFODNN7EXAMPLE", name: "harbour master"),
        tags: ["holiday", "lighthouse", "2026"],
        parts: [
            Part(number: 1, size: 2_097_152, etag: "d41d8cd98f00b204e9800998ecf8427e"),
            Part(number: 2, size: 2_097_152, etag: "0cc175b9c0f1b6a831c399e269772661"),
            Part(number: 3, size: 1_048_576, etag: "92eb5ffee6ae2fec3ad71c777531578f"),
        ], isLatest: true)
}

struct Owner: Codable, Equatable, Sendable {
    var id: String
    var name: String
}

struct Part: Codable, Equatable, Sendable {
    var number: Int
    var size: Int
    var etag: String
}
