import SkerryChunks
import SkerryStorage

/// The bytes of one part on their way to the log. Finish it or abort it; dropping it aborts too.
///
/// Isolation: used by one task, the one that receives the request.
public final class PartUpload: ObjectUploading {
    private let store: ObjectStore
    private let bucket: Bucket
    private let upload: MultipartUpload
    private let number: Int
    private let writer: BodyWriter

    init(store: ObjectStore, bucket: Bucket, upload: MultipartUpload, number: Int, writer: BodyWriter) {
        self.store = store
        self.bucket = bucket
        self.upload = upload
        self.number = number
        self.writer = writer
    }

    public func write(_ piece: ArraySlice<UInt8>) async throws(ObjectError) { try await writer.write(piece) }

    /// Verifies what arrived and commits it; a part of the same number that was there before is replaced.
    public func finish(_ expectation: PayloadExpectation) async throws(ObjectError) -> UploadedPart {
        let finished = try await writer.finish(mayInline: false)
        try expectation.check(finished.hashes)
        let part = try await store.commitPart(
            number, of: upload, in: bucket, size: finished.size, md5: finished.hashes.contentMD5,
            checksum: finished.hashes[upload.checksum], manifests: finished.manifests)
        withExtendedLifetime(writer.pins) {}
        return part
    }

    public func abort() { writer.abort() }
}
