import SkerryChunks
import SkerryStorage

/// Something that takes the bytes of an upload: ``ObjectUpload`` or ``PartUpload``.
public protocol ObjectUploading: AnyObject {
    /// Takes a piece and returns when there is room for the next one.
    ///
    /// - Throws: `slowDown` when no room is to be had, `incompleteBody` or `entityTooLarge` when the bytes are too many.
    func write(_ piece: ArraySlice<UInt8>) async throws(ObjectError)

    /// Drops everything. Idempotent.
    func abort()
}

/// The bytes of one PUT on their way to the log. Finish it or abort it; dropping it aborts too.
///
/// Isolation: used by one task, the one that receives the request.
public final class ObjectUpload: ObjectUploading {
    private let store: ObjectStore
    private let bucket: Bucket
    private let key: ObjectKey
    private let options: PutOptions
    private let writer: BodyWriter

    init(store: ObjectStore, bucket: Bucket, key: ObjectKey, options: PutOptions, writer: BodyWriter) {
        self.store = store
        self.bucket = bucket
        self.key = key
        self.options = options
        self.writer = writer
    }

    public func write(_ piece: ArraySlice<UInt8>) async throws(ObjectError) { try await writer.write(piece) }

    /// Verifies what arrived and commits it; on return the version is on disk and visible.
    public func finish(_ expectation: PayloadExpectation) async throws(ObjectError) -> ObjectVersion {
        let finished = try await writer.finish(mayInline: true)
        try expectation.check(finished.hashes)
        let draft = VersionDraft(
            key: key, size: finished.size, etag: ETag(md5: finished.hashes.contentMD5),
            checksum: finished.hashes[options.checksum].map { ObjectChecksum(value: $0) }, metadata: options.metadata,
            body: finished.body,
            recordBody: finished.inline.isEmpty ? ManifestReference.bytes(finished.manifests) : finished.inline)
        let version = try await store.commit(draft, in: bucket, options.conditions)
        withExtendedLifetime(writer.pins) {}
        return version
    }

    public func abort() { writer.abort() }
}
