import HTTPTypes
import SkerryChunks
import SkerryHTTP
import SkerryObjects
import SkerryStorage
import Synchronization

// GetObject and HeadObject.

/// Which bytes of a version a read is about, and what its conditions say.
///
/// A value, so that the store can ask it while it holds the version, and the answer can be written from it afterwards.
struct ReadRequest: Sendable {
    var conditions: ReadConditions
    var range: ByteRange?
    /// `If-Range`: the range counts only while the version is still this one.
    var ifRange: String?

    init(_ fields: HTTPFields) {
        conditions = ReadConditions(fields)
        range = fields[.range].flatMap { ByteRange(header: $0) }
        ifRange = range == nil ? nil : fields.trimmed(.ifRange)
    }

    /// The bytes to send, nil for all of them.
    ///
    /// - Throws: `notModified`, `preconditionFailed`, `rangeNotSatisfiable`.
    func bytes(of version: ObjectVersion) throws(ObjectError) -> Range<UInt64>? {
        if !conditions.isEmpty { try conditions.check(version) }
        guard let range, rangeApplies(to: version) else { return nil }
        guard let bytes = range.resolved(size: version.size) else {
            throw ObjectError(.rangeNotSatisfiable, "The requested range is not satisfiable", version: version)
        }
        return bytes
    }

    private func rangeApplies(to version: ObjectVersion) -> Bool {
        guard let ifRange else { return true }
        if let seconds = S3Date.seconds(ifRange) { return seconds == Int64(version.modified / 1000) }
        return ifRange == ResponseFields.quoted(version.etag)
    }
}

extension S3Call {
    func getObject() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.checkRead(fields)
        let key = try key()
        let selector = try selector()
        if let number = try partNumber() { return try await getPart(number, of: key, selector, in: bucket) }
        let read = ReadRequest(fields)
        do {
            let reader = try await store.open(key, selector, in: bucket) { version throws(ObjectError) in try read.bytes(of: version) }
            let bytes = try read.bytes(of: reader.version)
            var fields = try objectFields(reader.version, in: bucket)
            describe(bytes, checksum: bytes == nil ? reader.version.checksum : nil, of: reader.version, in: &fields)
            return HTTPReply(
                HTTPResponse(status: bytes == nil ? .ok : .partialContent, headerFields: fields),
                try await ObjectBytes.body(reader, count: bytes.map { $0.upperBound - $0.lowerBound } ?? reader.version.size))
        } catch let error as ObjectError {
            throw readError(error, selector, in: bucket)
        }
    }

    func headObject() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.checkRead(fields)
        let key = try key()
        let selector = try selector()
        let number = try partNumber()
        do {
            let version = try await store.version(key, selector, in: bucket)
            var fields = try objectFields(version, in: bucket)
            var bytes = try ReadRequest(self.fields).bytes(of: version)
            if let number {
                let part = try await self.part(number, of: version)
                bytes = part.bytes
                describe(part, of: version, in: &fields)
            } else {
                describe(bytes, checksum: bytes == nil ? version.checksum : nil, of: version, in: &fields)
            }
            fields[.contentLength] = "\(bytes.map { $0.upperBound - $0.lowerBound } ?? version.size)"
            return empty(bytes == nil ? .ok : .partialContent, fields)
        } catch let error as ObjectError {
            throw readError(error, selector, in: bucket)
        }
    }

    /// The answer to a failed read: a deleted key reads as absent, and an absent one says so where S3's tools look.
    func readError(_ error: ObjectError, _ selector: VersionSelector, in bucket: Bucket) -> S3Error {
        var answer = S3Error(error)
        switch error.code {
        case .deleteMarker where selector == .current:
            guard let version = error.version else { break }
            answer = .deleted(version, isVersioned: showsVersions(bucket))
        case .noSuchKey: answer.fields[.amzDeleteMarker] = "false"
        case .notModified: if let version = error.version, showsVersions(bucket) { answer.fields[.amzVersionID] = version.versionText }
        default: break
        }
        if answer.code == .noSuchKey { answer = answer.with("Key", String(decoding: target.key, as: UTF8.self)) }
        if answer.code == .noSuchVersion, let version = query.text("versionId") {
            answer = answer.with("Key", String(decoding: target.key, as: UTF8.self)).with("VersionId", version)
        }
        return answer
    }

    // MARK: Header fields

    /// What GET and HEAD say of a version, whatever part of it is sent.
    private func objectFields(_ version: ObjectVersion, in bucket: Bucket) throws(S3Error) -> HTTPFields {
        var fields = ResponseFields.validators(of: version)
        fields[.acceptRanges] = "bytes"
        if showsVersions(bucket) { fields[.amzVersionID] = version.versionText }
        version.metadata.write(to: &fields)
        if !query.isEmpty { try override(&fields) }
        return fields
    }

    private static let overrides: [(parameter: String, name: HTTPField.Name)] = [
        ("response-cache-control", .cacheControl), ("response-content-disposition", .contentDisposition),
        ("response-content-encoding", .contentEncoding), ("response-content-language", .contentLanguage),
        ("response-content-type", .contentType), ("response-expires", .expires),
    ]

    /// `response-*` in the query: header fields of this answer in place of the object's, for who signed.
    private func override(_ fields: inout HTTPFields) throws(S3Error) {
        for (parameter, name) in S3Call.overrides {
            guard let value = query.text(parameter) else { continue }
            guard caller != nil else {
                throw S3Error(.invalidRequest, "Request specific response headers cannot be used for anonymous GET requests.")
            }
            fields[name] = value
        }
    }

    private var wantsChecksum: Bool { fields.trimmed(.amzChecksumMode)?.uppercased() == "ENABLED" }

    /// Adds `Content-Range`, and the checksum where it is asked for and speaks of the bytes that are sent.
    private func describe(_ bytes: Range<UInt64>?, checksum: ObjectChecksum?, of version: ObjectVersion, in fields: inout HTTPFields) {
        if let bytes, !bytes.isEmpty { fields[.contentRange] = "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(version.size)" }
        if let checksum, wantsChecksum { ResponseFields.write(checksum, to: &fields) }
    }

    // MARK: Parts

    /// A part of a version as `?partNumber` means it: of an object that was sent in one piece, the whole is part 1.
    private struct PartOfVersion {
        /// nil: the whole of an object without parts.
        var bytes: Range<UInt64>?
        var checksum: ObjectChecksum?
    }

    private func part(_ number: Int, of version: ObjectVersion) async throws -> PartOfVersion {
        if version.partCount == 0, number == 1 { return PartOfVersion(bytes: nil, checksum: version.checksum) }
        // Parts keep the numbers they were uploaded under, so there may be gaps.
        let found = version.partCount > 0 ? try await store.parts(of: version, after: number - 1, limit: 1).first : nil
        guard let part = found, part.number == number else {
            throw S3Error(.invalidPart, "The requested part number \(number) does not exist in this object.")
                .with("PartNumberRequested", "\(number)").with("ActualPartCount", "\(version.partCount)")
        }
        let checksum = part.checksum.map { ObjectChecksum(value: $0) }
        return PartOfVersion(bytes: part.offset..<part.offset + part.size, checksum: checksum)
    }

    private func describe(_ part: PartOfVersion, of version: ObjectVersion, in fields: inout HTTPFields) {
        describe(part.bytes, checksum: part.checksum, of: version, in: &fields)
        // The value is of the part alone; the type stays that of the object it belongs to.
        if let kind = version.checksum?.kind, fields[.amzChecksumType] != nil { fields[.amzChecksumType] = kind.name }
        if version.partCount > 0 { fields[.amzPartsCount] = "\(version.partCount)" }
    }

    /// The parts are looked up before the bytes are opened. An object replaced in between is looked up again.
    private func getPart(_ number: Int, of key: ObjectKey, _ selector: VersionSelector, in bucket: Bucket) async throws -> HTTPReply {
        do {
            for _ in 0..<S3Limits.partReadAttempts {
                let version = try await store.version(key, selector, in: bucket)
                _ = try ReadRequest(self.fields).bytes(of: version)
                let part = try await self.part(number, of: version)
                let bytes = part.bytes
                let reader = try await store.open(key, selector, in: bucket) { found throws(ObjectError) in
                    found.id == version.id ? bytes : 0..<0
                }
                guard reader.version.id == version.id else { continue }
                var fields = try objectFields(version, in: bucket)
                describe(part, of: version, in: &fields)
                return HTTPReply(
                    HTTPResponse(status: bytes == nil ? .ok : .partialContent, headerFields: fields),
                    try await ObjectBytes.body(reader, count: bytes.map { $0.upperBound - $0.lowerBound } ?? version.size))
            }
            throw S3Error(.slowDown, "The object is being replaced too often to read a part of it. Please try again.")
        } catch let error as ObjectError {
            throw readError(error, selector, in: bucket)
        }
    }
}

// MARK: - Bytes

/// From a reader to the body of a reply.
enum ObjectBytes {
    /// A body of `count` bytes. What comes in one piece is sent as that; more becomes a stream, pulled as the socket drains.
    ///
    /// The first piece is fetched here, so that an object that cannot be read answers with an error and not with a broken connection.
    static func body(_ reader: ObjectReader, count: UInt64) async throws -> HTTPReply.Body {
        guard count > 0 else { return .bytes([]) }
        guard let first = try await reader.next() else { throw endedEarly }
        let piece = try self.piece(first)
        switch piece {
        case .bytes(let bytes) where UInt64(bytes.count) == count: return .bytes(bytes)
        case .file(let regions) where regions.reduce(0, { $0 + UInt64($1.count) }) == count: return .file(regions)
        default: break
        }
        let held = HeldPiece(piece)
        return .stream(length: count) {
            if let piece = held.take() { return piece }
            return try await reader.next().map(self.piece)
        }
    }

    private static let endedEarly = StorageError(.corrupt, "an object ended before its size")

    /// File regions where there are files, bytes where the engine has none.
    private static func piece(_ piece: ObjectPiece) throws -> HTTPReply.Piece {
        switch piece {
        case .bytes(let bytes): return .bytes(bytes)
        case .extents(let extents):
            var regions: [HTTPReply.FileRegion] = []
            regions.reserveCapacity(extents.count)
            for extent in extents {
                guard let descriptor = extent.handle.fileDescriptor else { return .bytes(try read(extents)) }
                regions.append(.init(descriptor: descriptor, offset: extent.offset, count: extent.count, owner: extent.handle))
            }
            return .file(regions)
        }
    }

    /// An engine without files keeps its packs in memory, so this waits for nothing.
    private static func read(_ extents: [ObjectPiece.Extent]) throws -> [UInt8] {
        let count = extents.reduce(0) { $0 + $1.count }
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            for extent in extents {
                let destination = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<filled + extent.count])
                try extent.handle.read(at: extent.offset, into: destination)
                filled += extent.count
            }
        }
    }
}

/// The first piece of a stream, fetched before the head was sent.
private final class HeldPiece: Sendable {
    private let piece: Mutex<HTTPReply.Piece?>

    init(_ piece: HTTPReply.Piece) { self.piece = Mutex(piece) }

    func take() -> HTTPReply.Piece? {
        piece.withLock { piece in
            defer { piece = nil }
            return piece
        }
    }
}
