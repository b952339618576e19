public import SkerryCRDT

/// Owner of buckets and of its scope of deduplication: chunks are never shared between tenants.
public struct TenantID: Sendable, Hashable, Comparable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (left: TenantID, right: TenantID) -> Bool { left.rawValue < right.rawValue }
}

/// A bucket's identity; its name may later belong to another bucket.
public struct BucketID: Sendable, Hashable, Comparable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (left: BucketID, right: BucketID) -> Bool { left.rawValue < right.rawValue }
}

/// The name of an object: 1 to 1,024 bytes, compared as bytes, never normalised.
public struct ObjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    public static let lengthMaximum = 1024

    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) throws(ObjectError) {
        guard !bytes.isEmpty else { throw ObjectError(.keyEmpty, "An object key has at least one byte.") }
        guard bytes.count <= ObjectKey.lengthMaximum else {
            throw ObjectError(.keyTooLong, "Your key is too long: \(bytes.count) bytes, at most \(ObjectKey.lengthMaximum).")
        }
        self.bytes = bytes
    }

    /// A key read back from a row that was checked when it was written.
    init(trusted bytes: [UInt8]) { self.bytes = bytes }

    public static func < (left: ObjectKey, right: ObjectKey) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }

    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// The identity of a version (or of an upload, or a part): when and where it was made.
///
/// Printed as 32 hexadecimal digits that sort as the versions do.
public struct VersionID: Sendable, Hashable, Comparable, LosslessStringConvertible {
    public var time: HybridTimestamp
    public var origin: OriginID

    public init(time: HybridTimestamp, origin: OriginID) {
        self.time = time
        self.origin = origin
    }

    public init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 32 else { return nil }
        var halves: [UInt64] = [0, 0]
        for (index, digit) in digits.enumerated() {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            halves[index / 16] = halves[index / 16] << 4 | UInt64(value)
        }
        self.init(time: HybridTimestamp(rawValue: halves[0]), origin: OriginID(rawValue: halves[1]))
    }

    public var description: String { OriginID(rawValue: time.rawValue).description + origin.description }

    public static func < (left: VersionID, right: VersionID) -> Bool { (left.time, left.origin) < (right.time, right.origin) }
}

/// A multipart upload's identity, as its initiator sees it.
public typealias UploadID = VersionID

/// Which version of a key is meant.
public enum VersionSelector: Sendable, Hashable {
    case current
    /// The version made while the bucket was not versioned, or suspended: the alias `null`.
    case null
    case id(VersionID)
}
