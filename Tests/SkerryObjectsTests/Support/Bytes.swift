import SkerryChunks
import SkerryStorage

@testable public import SkerryObjects

/// `count` bytes that follow from the seed.
func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SplitMix64(seed: seed)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        let raw = UnsafeMutableRawBufferPointer(buffer)
        var index = 0
        while index < count {
            withUnsafeBytes(of: generator.next().littleEndian) { word in
                let length = min(8, count - index)
                UnsafeMutableRawBufferPointer(rebasing: raw[index..<index + length]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: word[..<length]))
            }
            index += 8
        }
        initialized = count
    }
}

extension ObjectKey: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(trusted: Array(value.utf8)) }
}

func key(_ text: String) -> ObjectKey { ObjectKey(trusted: Array(text.utf8)) }

extension ObjectStore {
    /// PUT in pieces of `piece` bytes.
    @discardableResult
    func put(
        _ bytes: [UInt8], as key: ObjectKey, in bucket: Bucket, _ options: PutOptions = PutOptions(), piece: Int = 64 << 10
    ) async throws(ObjectError) -> ObjectVersion {
        let upload = try put(key, in: bucket, options)
        var start = 0
        while start < bytes.count {
            let end = min(start + piece, bytes.count)
            try await upload.write(bytes[start..<end])
            start = end
        }
        return try await upload.finish(PayloadExpectation())
    }

    /// GET of a whole object or of a range of it.
    func get(
        _ key: ObjectKey, _ selector: VersionSelector = .current, in bucket: Bucket, _ range: Range<UInt64>? = nil
    ) async throws(ObjectError) -> [UInt8] {
        let reader = try await open(key, selector, in: bucket) { _ throws(ObjectError) in range }
        return try await reader.rest()
    }

    /// Uploads a part of a multipart upload.
    @discardableResult
    func putPart(
        _ number: Int, _ bytes: [UInt8], of upload: MultipartUpload, in bucket: Bucket, piece: Int = 64 << 10
    ) async throws(ObjectError) -> UploadedPart {
        let part = try putPart(
            number, of: upload, in: bucket, length: UInt64(bytes.count), checksum: nil, needsPayloadSHA256: false)
        var start = 0
        while start < bytes.count {
            let end = min(start + piece, bytes.count)
            try await part.write(bytes[start..<end])
            start = end
        }
        return try await part.finish(PayloadExpectation())
    }

    func createUpload(_ key: ObjectKey, in bucket: Bucket) async throws(ObjectError) -> MultipartUpload {
        guard let user = user(bucket.owner) else { throw ObjectError(.noSuchUser, "no owner") }
        return try await createUpload(key, in: bucket, metadata: ObjectMetadata(), checksum: nil, kind: nil, initiator: user)
    }

    @discardableResult
    func complete(_ upload: MultipartUpload, in bucket: Bucket, _ parts: [UploadedPart]) async throws(ObjectError) -> ObjectVersion {
        try await complete(
            upload.id, upload.key, in: bucket, parts: parts.map { CompletedPart(number: $0.number, etag: $0.etag.description) },
            checksum: nil,
            kind: nil, size: nil, conditions: WriteConditions())
    }
}

extension ObjectReader {
    /// What is left to read.
    func rest() async throws(ObjectError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await next() {
            switch piece {
            case .bytes(let part): bytes += part
            case .extents(let extents):
                do throws(StorageError) {
                    for extent in extents { try extent.append(to: &bytes) }
                } catch {
                    throw ObjectError(error)
                }
            }
        }
        return bytes
    }
}

extension ETag {
    /// Of an object sent in one piece.
    init(of bytes: [UInt8]) { self.init(md5: MD5Digest(of: bytes)) }
}
