internal import Crypto

/// The name of an object of a history: the hash of its bytes.
public struct ObjectID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Bytes of a name: 32.
    public static var size: Int { 32 }

    // Four words compare and hash quicker than an array, and take no allocation.
    private let first, second, third, fourth: UInt64

    /// - Returns: nil unless there are 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        (first, second, third, fourth) = words
    }

    /// - Returns: nil unless `hex` is 64 hexadecimal digits.
    public init?(hex: String) {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in hex.utf8 {
            guard let digit = Self.digit(character) else { return nil }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard high == nil else { return nil }
        self.init(bytes)
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x61...0x66: character - 0x61 + 10
        case 0x41...0x46: character - 0x41 + 10
        default: nil
        }
    }

    public var bytes: [UInt8] {
        [first, second, third, fourth].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
    }

    /// 64 hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The first ten digits, for people.
    public var abbreviated: String { String(description.prefix(10)) }

    /// In order of their bytes.
    public static func < (left: ObjectID, right: ObjectID) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
    }
}

/// How names come from bytes. All nodes of a history use the same.
public struct ContentHash: Sendable {
    /// Told to peers when they meet; at most 64 bytes of UTF-8.
    public let name: String
    private let digest: @Sendable ([UInt8]) -> ObjectID

    /// - Parameter digest: must be collision resistant for histories that anyone else writes to.
    public init(name: String, digest: @escaping @Sendable ([UInt8]) -> ObjectID) {
        self.name = name
        self.digest = digest
    }

    public func callAsFunction(_ bytes: [UInt8]) -> ObjectID { digest(bytes) }

    public static let sha256 = ContentHash(name: "sha256") { bytes in
        guard let id = ObjectID(Array(SHA256.hash(data: bytes))) else {
            preconditionFailure("SHA-256 of \(bytes.count) bytes has no 32 bytes")
        }
        return id
    }
}
