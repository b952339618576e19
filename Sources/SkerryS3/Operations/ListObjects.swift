import SkerryChunks
import SkerryHTTP
import SkerryObjects

// ListObjects (both forms), ListObjectVersions and ListMultipartUploads.

/// What all listings ask alike.
struct ListingQuery {
    var prefix: [UInt8]
    var delimiter: [UInt8]
    /// Whether names in the answer are percent-encoded, for clients that fear what XML cannot hold.
    var encodesNames: Bool
    var limit: Int

    init(_ call: S3Call, limitName: String = "max-keys", maximum: Int = S3Limits.keysPerPage) throws(S3Error) {
        prefix = call.query["prefix"].map { Array($0) } ?? []
        delimiter = call.query["delimiter"].map { Array($0) } ?? []
        limit = try call.count(limitName, maximum: maximum)
        switch call.query.text("encoding-type") {
        case nil, "": encodesNames = false
        case "url": encodesNames = true
        case let value?: throw .invalidArgument("Invalid Encoding Method specified in Request", name: "encoding-type", value: value)
        }
    }

    /// An element around a key, prefix, delimiter or marker. The encoding keeps slashes, as S3's does.
    func write(_ name: StaticString, _ text: some Collection<UInt8>, to xml: inout XMLWriter) {
        guard encodesNames else { return xml.element(name, bytes: text) }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.count + text.count / 8)
        encoded.appendPercentEncoded(text, keepingSlash: true)
        xml.open(name)
        xml.put(encoded)
        xml.close(name)
    }

    func writeCommonPrefix(_ prefix: [UInt8], to xml: inout XMLWriter) {
        xml.open("CommonPrefixes")
        write("Prefix", prefix, to: &xml)
        xml.close("CommonPrefixes")
    }

    /// What every listing's head repeats of the question.
    ///
    /// - Parameter encodesPrefix: The first form of ListObjects sends the prefix as it was asked; its clients do not decode it there.
    func writeQuestion(limitName: StaticString, limit: Int, encodesPrefix: Bool = true, to xml: inout XMLWriter) {
        if encodesPrefix { write("Prefix", prefix, to: &xml) } else { xml.element("Prefix", bytes: prefix) }
        if !delimiter.isEmpty { write("Delimiter", delimiter, to: &xml) }
        xml.element(limitName, limit)
        if encodesNames { xml.element("EncodingType", "url") }
    }

    /// Bytes of an answer with so many entries: what one takes with names of usual length.
    func capacity(_ entries: Int) -> Int { 1024 + entries * 384 }
}

// MARK: - Objects

extension S3Call {
    func listObjects() async throws -> HTTPReply {
        let bucket = try bucket()
        let listing = try ListingQuery(self)
        let marker = query["marker"].map { Array($0) } ?? []
        let page = try await self.page(listing, after: marker, in: bucket)
        var xml = XMLWriter(capacity: listing.capacity(page.entries.count))
        xml.openRoot("ListBucketResult")
        xml.element("Name", bucket.name)
        listing.writeQuestion(limitName: "MaxKeys", limit: listing.limit, encodesPrefix: false, to: &xml)
        listing.write("Marker", marker, to: &xml)
        // Without a delimiter the last key is the marker, and S3 leaves it to the client to see that.
        if page.isTruncated, !listing.delimiter.isEmpty, let next = page.next { listing.write("NextMarker", next, to: &xml) }
        xml.element("IsTruncated", page.isTruncated)
        xml.entries(of: page, listing, owner: user(bucket.owner))
        xml.close("ListBucketResult")
        return document(xml)
    }

    func listObjectsV2() async throws -> HTTPReply {
        let bucket = try bucket()
        let listing = try ListingQuery(self)
        let startAfter = query["start-after"].map { Array($0) }
        let token = query.text("continuation-token")
        let resumed = try token.flatMap { text throws(S3Error) in try ContinuationToken.name(text) }
        let page = try await self.page(listing, after: resumed ?? startAfter ?? [], in: bucket)
        let owner = query.text("fetch-owner") == "true" ? user(bucket.owner) : nil
        var xml = XMLWriter(capacity: listing.capacity(page.entries.count))
        xml.openRoot("ListBucketResult")
        xml.element("Name", bucket.name)
        listing.writeQuestion(limitName: "MaxKeys", limit: listing.limit, to: &xml)
        if let startAfter { listing.write("StartAfter", startAfter, to: &xml) }
        if let token { xml.element("ContinuationToken", token) }
        if page.isTruncated, let next = page.next { xml.element("NextContinuationToken", ContinuationToken.text(next)) }
        xml.element("KeyCount", page.entries.count)
        xml.element("IsTruncated", page.isTruncated)
        xml.entries(of: page, listing, owner: owner)
        xml.close("ListBucketResult")
        return document(xml)
    }

    private func page(_ listing: ListingQuery, after: [UInt8], in bucket: Bucket) async throws -> ListPage {
        var request = ListRequest()
        request.prefix = listing.prefix
        request.delimiter = listing.delimiter
        request.after = after
        request.limit = listing.limit
        return try await store.list(request, in: bucket)
    }
}

extension XMLWriter {
    /// The keys of a page, then its common prefixes, as S3 orders its documents.
    fileprivate mutating func entries(of page: ListPage, _ listing: ListingQuery, owner: (id: String, displayName: String)?) {
        var prefixes: [[UInt8]] = []
        for entry in page.entries {
            switch entry {
            case .object(let object): self.object(object, listing, owner: owner)
            case .commonPrefix(let prefix): prefixes.append(prefix)
            }
        }
        for prefix in prefixes { listing.writeCommonPrefix(prefix, to: &self) }
    }

    /// `Contents`: the hot line of every listing.
    mutating func object(_ object: ListedObject, _ listing: ListingQuery, owner: (id: String, displayName: String)?) {
        put("<Contents>")
        listing.write("Key", object.key.bytes, to: &self)
        element("LastModified", date: object.modified)
        etag(object.etag)
        if let algorithm = object.checksumAlgorithm { checksumKind(algorithm, object.checksumKind) }
        element("Size", object.size)
        if let owner { self.owner("Owner", owner) }
        put("<StorageClass>STANDARD</StorageClass></Contents>")
    }

    /// `ETag`, its digits written without a `String` between.
    fileprivate mutating func etag(_ etag: ETag) {
        put("<ETag>&quot;")
        hexadecimal(etag.md5.bytes)
        if etag.partCount > 0 {
            put("-")
            put(decimal: UInt64(etag.partCount))
        }
        put("&quot;</ETag>")
    }

    fileprivate mutating func checksumKind(_ algorithm: ChecksumAlgorithm, _ kind: ChecksumType) {
        put("<ChecksumAlgorithm>")
        put(algorithm.name.utf8)
        put("</ChecksumAlgorithm>")
        put(kind == .fullObject ? "<ChecksumType>FULL_OBJECT</ChecksumType>" : "<ChecksumType>COMPOSITE</ChecksumType>")
    }
}

// MARK: - Versions

extension S3Call {
    func listObjectVersions() async throws -> HTTPReply {
        let bucket = try bucket()
        let listing = try ListingQuery(self)
        let keyMarker = query["key-marker"].map { Array($0) } ?? []
        let versionMarker = query.text("version-id-marker") ?? ""
        if !versionMarker.isEmpty, keyMarker.isEmpty {
            throw S3Error.invalidArgument(
                "A version-id marker cannot be specified without a key marker.", name: "version-id-marker", value: versionMarker)
        }
        var request = VersionListRequest()
        request.prefix = listing.prefix
        request.delimiter = listing.delimiter
        request.keyMarker = keyMarker
        request.versionMarker = versionMarker.isEmpty ? nil : try VersionSelector(s3: versionMarker)
        request.limit = listing.limit
        let page = try await store.listVersions(request, in: bucket)
        var xml = XMLWriter(capacity: listing.capacity(page.entries.count))
        xml.openRoot("ListVersionsResult")
        xml.element("Name", bucket.name)
        listing.writeQuestion(limitName: "MaxKeys", limit: listing.limit, to: &xml)
        listing.write("KeyMarker", keyMarker, to: &xml)
        xml.element("VersionIdMarker", versionMarker)
        if page.isTruncated {
            if let next = page.nextKeyMarker { listing.write("NextKeyMarker", next, to: &xml) }
            if let next = page.nextVersionMarker { xml.element("NextVersionIdMarker", next) }
        }
        xml.element("IsTruncated", page.isTruncated)
        xml.entries(of: page, listing, owner: user(bucket.owner))
        xml.close("ListVersionsResult")
        return document(xml)
    }
}

extension XMLWriter {
    fileprivate mutating func entries(of page: VersionListPage, _ listing: ListingQuery, owner: (id: String, displayName: String)) {
        var prefixes: [[UInt8]] = []
        for entry in page.entries {
            switch entry {
            case .version(let version, let isLatest):
                if version.isDeleteMarker {
                    deleteMarker(version, isLatest: isLatest, listing, owner: owner)
                } else {
                    self.version(version, isLatest: isLatest, listing, owner: owner)
                }
            case .commonPrefix(let prefix): prefixes.append(prefix)
            }
        }
        for prefix in prefixes { listing.writeCommonPrefix(prefix, to: &self) }
    }

    private mutating func version(_ version: ObjectVersion, isLatest: Bool, _ listing: ListingQuery, owner: (id: String, displayName: String)) {
        open("Version")
        identity(version, isLatest: isLatest, listing)
        etag(version.etag)
        if let checksum = version.checksum { checksumKind(checksum.value.algorithm, checksum.kind) }
        element("Size", version.size)
        self.owner("Owner", owner)
        element("StorageClass", "STANDARD")
        close("Version")
    }

    private mutating func deleteMarker(
        _ version: ObjectVersion, isLatest: Bool, _ listing: ListingQuery, owner: (id: String, displayName: String)
    ) {
        open("DeleteMarker")
        identity(version, isLatest: isLatest, listing)
        self.owner("Owner", owner)
        close("DeleteMarker")
    }

    private mutating func identity(_ version: ObjectVersion, isLatest: Bool, _ listing: ListingQuery) {
        listing.write("Key", version.key.bytes, to: &self)
        element("VersionId", version.versionText)
        element("IsLatest", isLatest)
        element("LastModified", date: version.modified)
    }
}

// MARK: - Uploads

extension S3Call {
    func listMultipartUploads() async throws -> HTTPReply {
        let bucket = try bucket()
        let listing = try ListingQuery(self, limitName: "max-uploads", maximum: S3Limits.uploadsPerPage)
        let keyMarker = query["key-marker"].map { Array($0) } ?? []
        let uploadMarker = query.text("upload-id-marker") ?? ""
        // S3 ignores an upload marker without a key marker.
        let uploadID = keyMarker.isEmpty || uploadMarker.isEmpty ? nil : try markedUpload(uploadMarker)
        let page = try await store.listUploads(
            in: bucket, prefix: listing.prefix, delimiter: listing.delimiter, keyMarker: keyMarker, uploadMarker: uploadID, limit: listing.limit)
        var xml = XMLWriter(capacity: listing.capacity(page.uploads.count))
        xml.openRoot("ListMultipartUploadsResult")
        xml.element("Bucket", bucket.name)
        listing.write("KeyMarker", keyMarker, to: &xml)
        xml.element("UploadIdMarker", uploadMarker)
        if page.isTruncated {
            listing.write("NextKeyMarker", page.nextKeyMarker ?? [], to: &xml)
            xml.element("NextUploadIdMarker", page.nextUploadIDMarker?.description ?? "")
        }
        listing.writeQuestion(limitName: "MaxUploads", limit: listing.limit, to: &xml)
        xml.element("IsTruncated", page.isTruncated)
        for upload in page.uploads {
            xml.open("Upload")
            listing.write("Key", upload.key.bytes, to: &xml)
            xml.element("UploadId", upload.id.description)
            xml.people(of: upload, user(upload.initiator))
            xml.element("Initiated", date: upload.initiated)
            if upload.checksumNamed { xml.checksumKind(upload.checksum, upload.checksumKind) }
            xml.close("Upload")
        }
        for prefix in page.commonPrefixes { listing.writeCommonPrefix(prefix, to: &xml) }
        xml.close("ListMultipartUploadsResult")
        return document(xml)
    }

    private func markedUpload(_ text: String) throws(S3Error) -> UploadID {
        guard let id = UploadID(text) else { throw .invalidArgument("Invalid uploadId marker", name: "upload-id-marker", value: text) }
        return id
    }
}

extension XMLWriter {
    /// Who began an upload, and owns it until it is an object.
    mutating func people(of upload: MultipartUpload, _ initiator: (id: String, displayName: String)) {
        owner("Initiator", initiator)
        owner("Owner", initiator)
        element("StorageClass", "STANDARD")
    }
}
