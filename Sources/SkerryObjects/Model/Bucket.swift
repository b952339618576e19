public import SkerryCRDT

/// A bucket and its settings.
public struct Bucket: Sendable, Hashable {
    public enum Versioning: UInt8, Sendable { case unversioned = 0, enabled = 1, suspended = 2 }

    public let id: BucketID
    public let name: String
    /// The user who made it.
    public let owner: String
    public let tenant: TenantID
    public let created: HybridTimestamp
    public let region: String
    public var versioning: Versioning

    /// AWS's rules: 3 to 63 of a-z, 0-9, `-` and `.`, beginning and ending with a letter or digit, no `..`, no IPv4 address, no reserved prefix or suffix.
    public static func checkName(_ name: String) throws(ObjectError) {
        let bytes = Array(name.utf8)
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let reserved = name.hasPrefix("xn--") || name.hasPrefix("sthree-") || name.hasSuffix("-s3alias") || name.hasSuffix("--ol-s3")
        guard (3...63).contains(bytes.count),
            bytes.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }),
            isAlphanumeric(bytes[0]), isAlphanumeric(bytes[bytes.count - 1]),
            !name.contains(".."), !isAddress(name), !reserved
        else { throw ObjectError(.invalidBucketName, "The specified bucket is not valid: \(name)") }
    }

    private static func isAddress(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
