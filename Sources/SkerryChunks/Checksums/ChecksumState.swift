import CSkerryKernels
import Crypto

/// A checksum in the making; a plain value, so a copy goes its own way.
public struct ChecksumState: Sendable {
    private enum Register: Sendable {
        case crc32(UInt32)
        case crc32c(UInt32)
        case crc64nvme(UInt64)
        case sha1(Insecure.SHA1)
        case sha256(SHA256)
    }

    private var register: Register

    public init(_ algorithm: ChecksumAlgorithm) {
        register =
            switch algorithm {
            case .crc32: .crc32(0)
            case .crc32c: .crc32c(0)
            case .crc64nvme: .crc64nvme(0)
            case .sha1: .sha1(Insecure.SHA1())
            case .sha256: .sha256(SHA256())
            }
    }

    public var algorithm: ChecksumAlgorithm {
        switch register {
        case .crc32: .crc32
        case .crc32c: .crc32c
        case .crc64nvme: .crc64nvme
        case .sha1: .sha1
        case .sha256: .sha256
        }
    }

    /// Takes the next bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch register {
        case .crc32(let crc): register = .crc32(skerry_crc32(crc, bytes.baseAddress, bytes.count))
        case .crc32c(let crc): register = .crc32c(skerry_crc32c(crc, bytes.baseAddress, bytes.count))
        case .crc64nvme(let crc): register = .crc64nvme(skerry_crc64nvme(crc, bytes.baseAddress, bytes.count))
        case .sha1(var hash):
            // The enum lets go of its copy first, else the hash's storage would be copied at each update.
            register = .crc32(0)
            hash.update(bufferPointer: bytes)
            register = .sha1(hash)
        case .sha256(var hash):
            register = .crc32(0)
            hash.update(bufferPointer: bytes)
            register = .sha256(hash)
        }
    }

    /// The checksum of all bytes taken; the state itself stays as it is and may take more.
    public func finalize() -> ChecksumValue {
        switch register {
        case .crc32(let crc): ChecksumValue(.crc32, register: UInt64(crc))
        case .crc32c(let crc): ChecksumValue(.crc32c, register: UInt64(crc))
        case .crc64nvme(let crc): ChecksumValue(.crc64nvme, register: crc)
        case .sha1(let hash): ChecksumValue(.sha1, unchecked: hash.finalize())
        case .sha256(let hash): ChecksumValue(.sha256, unchecked: hash.finalize())
        }
    }
}
