import SkerryChunks
import SkerryStorage

/// What CompleteMultipartUpload makes of an upload's parts, before the commit. Calls block.
struct Completion: Sendable {
    let upload: MultipartUpload
    let parts: [PartRecord]
    let draft: VersionDraft
    /// Names the request: the same list of parts again is the same request.
    let request: Digest

    /// What the client asked for.
    struct Request: Sendable {
        var parts: [CompletedPart]
        /// The object's checksum as the client computed it.
        var checksum: ChecksumValue?
        var kind: ChecksumType?
        /// The object's size as the client knows it, bytes.
        var size: UInt64?

        var digest: Digest {
            var writer = FieldWriter()
            for part in parts {
                writer.write(part.number)
                writer.write(part.etag)
            }
            return writer.bytes.withUnsafeBytes { Digest(of: $0) }
        }

        /// What can be said without looking at the parts.
        func check() throws(ObjectError) {
            guard !parts.isEmpty else { throw ObjectError(.invalidArgument, "You must specify at least one part") }
            guard parts.count <= MultipartUpload.partNumberMaximum else {
                throw ObjectError(.tooManyParts, "An upload has at most \(MultipartUpload.partNumberMaximum) parts.")
            }
            for (part, next) in zip(parts, parts.dropFirst()) where part.number >= next.number {
                throw ObjectError(
                    .invalidPartOrder, "The list of parts was not in ascending order. Parts must be ordered by part number.")
            }
        }
    }

    /// Compares the request with what was uploaded and joins the parts' manifests; no data is touched. O(manifests).
    init(
        _ request: Request, of upload: MultipartUpload, metadata: any MetadataEngine, packs: any PackEngine
    ) throws(ObjectError) {
        let rows = try engine { () throws(StorageError) in try Completion.rows(of: upload.id, metadata) }
        let chosen = try Completion.choose(request, from: rows)
        let size = chosen.reduce(0) { $0 + $1.record.size }
        if let announced = request.size, announced != size {
            throw ObjectError(.invalidArgument, "The parts have \(size) bytes, x-amz-mp-object-size says \(announced).")
        }
        let checksum = try Completion.checksum(of: chosen.map(\.record), upload, request)
        let manifestCount = chosen.reduce(0) { $0 + $1.record.manifestCount }
        guard manifestCount * ManifestReference.byteCount + chosen.count * PartEntry.byteCount <= LogRecord.bodyMaximum else {
            throw ObjectError(.entityTooLarge, "The parts are cut into \(manifestCount) manifests, more than one object can have.")
        }
        let manifests = try engine { () throws(StorageError) in try Completion.manifests(of: chosen, packs) }
        self.upload = upload
        self.request = request.digest
        parts = chosen.map(\.record)
        draft = VersionDraft(
            key: upload.key, size: size, etag: Completion.etag(of: parts), checksum: checksum, metadata: upload.metadata,
            body: .manifests(count: manifests.count),
            recordBody: ManifestReference.bytes(manifests) + PartEntry.bytes(Completion.entries(of: parts)))
    }

    typealias Row = (record: PartRecord, location: RecordLocation)

    private static func rows(of upload: UploadID, _ metadata: any MetadataEngine) throws(StorageError) -> [Int: Row] {
        var rows: [Int: Row] = [:]
        try metadata.scan(.uploads, IndexKey.parts(of: upload)) { _, row throws(StorageError) in
            let (location, fields) = try LocatedRow.parse(Array(row)[...])
            let record = try PartRecord(fields: fields)
            rows[record.number] = (record, location)
            return .next
        }
        return rows
    }

    private static func choose(_ request: Request, from rows: [Int: Row]) throws(ObjectError) -> [Row] {
        var chosen: [Row] = []
        for (index, part) in request.parts.enumerated() {
            let isChecksumRight = part.checksum.map { $0 == rows[part.number]?.record.checksum } ?? true
            guard let row = rows[part.number], part.etag == row.record.md5.hex, isChecksumRight else {
                throw ObjectError(
                    .invalidPart,
                    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag. (part \(part.number))"
                )
            }
            guard index == request.parts.count - 1 || row.record.size >= MultipartUpload.partMinimum else {
                throw ObjectError(
                    .partTooSmall,
                    "Your proposed upload is smaller than the minimum allowed size: part \(part.number) has \(row.record.size) bytes."
                )
            }
            chosen.append(row)
        }
        return chosen
    }

    /// The ends of the parts' manifests, shifted to their places in the object.
    private static func manifests(of rows: [Row], _ packs: any PackEngine) throws(StorageError) -> [ManifestReference] {
        var manifests: [ManifestReference] = []
        var start: UInt64 = 0
        for row in rows {
            try packs.forEachManifest(at: row.location, count: row.record.manifestCount) { part in
                manifests += part.map { ManifestReference(digest: $0.digest, end: start + $0.end) }
            }
            start += row.record.size
        }
        return manifests
    }

    private static func entries(of parts: [PartRecord]) -> [PartEntry] {
        var end: UInt64 = 0
        return parts.map { part in
            end += part.size
            return PartEntry(number: part.number, end: end, checksum: part.checksum?.bytes ?? [])
        }
    }

    private static func etag(of parts: [PartRecord]) -> ETag {
        ETag(md5: MD5Digest(ofParts: parts.map(\.md5)), partCount: parts.count)
    }

    private static func checksum(
        of parts: [PartRecord], _ upload: MultipartUpload, _ request: Request
    ) throws(ObjectError) -> ObjectChecksum? {
        if let kind = request.kind, kind != upload.checksumKind {
            throw ObjectError(
                .invalidArgument, "The checksum type of the upload was fixed when it was created.", condition: "x-amz-checksum-type")
        }
        let values = parts.compactMap(\.checksum)
        guard values.count == parts.count else { return nil }
        let checksum: ObjectChecksum
        switch upload.checksumKind {
        case .composite:
            guard let value = ChecksumValue.composite(of: values) else { return nil }
            checksum = ObjectChecksum(value: value, kind: .composite, partCount: parts.count)
        case .fullObject:
            var value = values[0]
            for (next, part) in zip(values, parts).dropFirst() {
                guard let combined = ChecksumValue.combine(value, next, lengthB: part.size) else { return nil }
                value = combined
            }
            checksum = ObjectChecksum(value: value)
        }
        if let expected = request.checksum, expected != checksum.value {
            throw ObjectError(
                .badDigest, "The \(expected.algorithm) you specified did not match the calculated checksum.",
                condition: expected.algorithm.headerName)
        }
        return checksum
    }
}
