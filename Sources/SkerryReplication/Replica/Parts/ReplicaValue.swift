/// What a part of a replica stores as a value: how it is written, and read back from bytes that may hold anything.
///
/// The same value has the same bytes on every replica.
public protocol ReplicaValue: Sendable {
    /// Nil where the bytes are no value of this type.
    static func replicaValue(of bytes: ArraySlice<UInt8>) -> Self?
    var replicaBytes: [UInt8] { get }
}

extension String: ReplicaValue {
    /// UTF-8.
    public static func replicaValue(of bytes: ArraySlice<UInt8>) -> String? { String(validating: bytes, as: UTF8.self) }
    public var replicaBytes: [UInt8] { Array(utf8) }
}

extension [UInt8]: ReplicaValue {
    public static func replicaValue(of bytes: ArraySlice<UInt8>) -> [UInt8]? { Array(bytes) }
    public var replicaBytes: [UInt8] { self }
}

extension UInt64: ReplicaValue {
    /// Eight bytes, the most significant first.
    public static func replicaValue(of bytes: ArraySlice<UInt8>) -> UInt64? {
        bytes.count == 8 ? bytes.reduce(0) { $0 << 8 | UInt64($1) } : nil
    }

    public var replicaBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

extension Int: ReplicaValue {
    /// As a UInt64 of the same bits.
    public static func replicaValue(of bytes: ArraySlice<UInt8>) -> Int? {
        UInt64.replicaValue(of: bytes).map { Int(truncatingIfNeeded: $0) }
    }

    public var replicaBytes: [UInt8] { UInt64(truncatingIfNeeded: self).replicaBytes }
}

extension Bool: ReplicaValue {
    /// One byte, 0 or 1.
    public static func replicaValue(of bytes: ArraySlice<UInt8>) -> Bool? {
        bytes.count == 1 ? bytes.first.flatMap { $0 < 2 ? $0 == 1 : nil } : nil
    }

    public var replicaBytes: [UInt8] { [self ? 1 : 0] }
}
