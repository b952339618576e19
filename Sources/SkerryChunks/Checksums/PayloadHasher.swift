import CSkerryKernels
import Crypto

/// Every hash one payload needs, taken in one pass: MD5 for its ETag, the checksums asked for, and its SHA-256 where the signature holds it.
///
/// A plain value that owns no thread: a stage moves it to wherever hashing is done and back.
public struct PayloadHasher: Sendable {
    /// Bytes that go through all algorithms before the next: half a usual first-level cache, so that memory is read once.
    private static let stride = 16 << 10

    private var md5: MD5State?
    private var checksums: [ChecksumState]
    private var sha256: SHA256?
    /// The payload digest is also the checksum `sha256`.
    private let reportsSHA256: Bool
    /// Bytes taken so far.
    public private(set) var length: UInt64 = 0

    /// - Parameters:
    ///   - md5: whether the MD5 is wanted; it is the slowest of all.
    ///   - algorithms: the checksums wanted.
    ///   - payloadDigest: whether the SHA-256 of the payload is wanted as a ``Digest``; it costs nothing more beside the checksum `sha256`.
    public init(md5: Bool = true, algorithms: Set<ChecksumAlgorithm> = [], payloadDigest: Bool = false) {
        self.md5 = md5 ? MD5State() : nil
        let sharesSHA256 = payloadDigest && algorithms.contains(.sha256)
        checksums = algorithms.subtracting(sharesSHA256 ? [.sha256] : [])
            .sorted { $0.rawValue < $1.rawValue }.map { ChecksumState($0) }
        sha256 = payloadDigest ? SHA256() : nil
        reportsSHA256 = sharesSHA256
    }

    /// Takes the next piece.
    public mutating func update(_ piece: UnsafeRawBufferPointer) {
        var start = 0
        while start < piece.count {
            let end = min(start + PayloadHasher.stride, piece.count)
            let part = UnsafeRawBufferPointer(rebasing: piece[start..<end])
            md5?.update(part)
            updateChecksums(part)
            start = end
        }
    }

    /// Gives each hasher its next piece, with the MD5s side by side in vector lanes (``laneCount`` at a time): the same as an
    /// update of each, and several times faster from about eight on.
    ///
    /// - Precondition: there are as many pieces as hashers.
    public static func update(_ hashers: inout [PayloadHasher], with pieces: [UnsafeRawBufferPointer]) {
        precondition(hashers.count == pieces.count, "\(hashers.count) hashers, \(pieces.count) pieces")
        hashers.withUnsafeMutableBufferPointer { hashers in
            updateMD5InLanes(hashers, with: pieces)
            for (index, piece) in pieces.enumerated() { hashers[index].updateChecksums(piece) }
        }
    }

    /// MD5s that ``update(_:with:)`` advances together on this machine.
    public static var laneCount: Int { skerry_md5_lane_count() }

    /// What was asked for, of all bytes taken; the hasher itself stays as it is and may take more.
    public func finalize() -> PayloadHashes {
        var values = checksums.map { $0.finalize() }
        let digest = sha256.map { Digest($0.finalize()) }
        if reportsSHA256, let digest { values.append(ChecksumValue(.sha256, unchecked: digest.bytes)) }
        return PayloadHashes(length: length, md5: md5?.finalize(), checksums: values, payloadDigest: digest)
    }
}

extension PayloadHasher {
    private mutating func updateChecksums(_ piece: UnsafeRawBufferPointer) {
        for index in checksums.indices { checksums[index].update(piece) }
        sha256?.update(bufferPointer: piece)
        length += UInt64(piece.count)
    }

    private static func updateMD5InLanes(
        _ hashers: UnsafeMutableBufferPointer<PayloadHasher>, with pieces: [UnsafeRawBufferPointer]
    ) {
        let wanted = pieces.indices.filter { hashers[$0].md5 != nil && !pieces[$0].isEmpty }
        // The kernel works on copies of the states: 88 bytes each beside a piece of many thousand.
        withUnsafeTemporaryAllocation(of: skerry_md5.self, capacity: wanted.count) { states in
            var jobs: [skerry_md5_job] = []
            for (position, index) in wanted.enumerated() {
                guard let state = hashers[index].md5 else { continue }
                states.initializeElement(at: position, to: state.kernel)
                jobs.append(
                    skerry_md5_job(
                        md5: states.baseAddress?.advanced(by: position),
                        p: pieces[index].baseAddress?.assumingMemoryBound(to: UInt8.self), n: pieces[index].count))
            }
            skerry_md5_update_lanes(&jobs, jobs.count)
            for (position, index) in wanted.enumerated() { hashers[index].md5?.kernel = states[position] }
        }
    }
}

/// What a ``PayloadHasher`` found.
public struct PayloadHashes: Sendable, Hashable {
    /// Bytes of the payload.
    public let length: UInt64
    public let md5: MD5Digest?
    /// In the order of the algorithms' numbers.
    public let checksums: [ChecksumValue]
    /// The SHA-256 of the payload: of a payload that is one chunk, its name.
    public let payloadDigest: Digest?

    /// The checksum by `algorithm`, where it was asked for.
    public subscript(algorithm: ChecksumAlgorithm) -> ChecksumValue? {
        checksums.first { $0.algorithm == algorithm }
    }
}
