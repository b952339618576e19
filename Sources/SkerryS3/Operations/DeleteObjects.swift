import HTTPTypes
import SkerryHTTP
import SkerryObjects

// DeleteObject and DeleteObjects.

extension S3Call {
    func deleteObject() async throws -> HTTPReply {
        let bucket = try bucket()
        let request = DeleteRequest(key: try key(), selector: try selector(), conditions: try WriteConditions(fields))
        var fields = HTTPFields()
        do {
            let outcome = try await store.delete(request, in: bucket)
            if let version = outcome.version, showsVersions(bucket) { fields[.amzVersionID] = version }
            if outcome.isDeleteMarker { fields[.amzDeleteMarker] = "true" }
        } catch let error as ObjectError where error.isAbsence {
            // Deleting what is not there is a success, with conditions and without.
            if case .id(let version) = request.selector { fields[.amzVersionID] = version.description }
        }
        return empty(.noContent, fields)
    }

    /// Deletes up to ``S3Limits/deletesMaximum`` keys. Each has its own outcome; the answer is 200 whatever they are.
    func deleteObjects() async throws -> HTTPReply {
        let bucket = try bucket()
        let deletion = try Deletion(try await requestDocument(isChecksumRequired: true))
        let requests = deletion.entries.compactMap { try? $0.request.get() }
        var results = await store.delete(requests, in: bucket)[...]
        let outcomes = deletion.entries.map { entry -> Deletion.Outcome in
            switch entry.request {
            case .failure(let error): .failed(error)
            case .success: results.popFirst().map(Deletion.Outcome.init) ?? .failed(S3Error(.internalError, "The store gave no outcome."))
            }
        }
        return document(deletion.document(outcomes, showsVersions: showsVersions(bucket)))
    }
}

extension ObjectError {
    var isAbsence: Bool { code == .noSuchKey || code == .noSuchVersion }
}

/// The document `Delete` and its answer `DeleteResult`.
struct Deletion {
    /// One object of the list. A key or version ID that cannot exist fails alone and leaves the rest of the list to be done.
    struct Entry {
        var key: String = ""
        var version: String?
        var conditions = WriteConditions()

        var request: Result<DeleteRequest, S3Error> {
            Result { () throws(S3Error) in
                do {
                    let selector = try version.map { text throws(S3Error) in try VersionSelector(s3: text) } ?? .current
                    return DeleteRequest(key: try ObjectKey(Array(key.utf8)), selector: selector, conditions: conditions)
                } catch let error as ObjectError {
                    throw S3Error(error)
                } catch {
                    throw S3Error(.noSuchVersion, "The specified version does not exist.")
                }
            }
        }
    }

    enum Outcome {
        case deleted(version: String?, isDeleteMarker: Bool)
        case failed(S3Error)

        init(_ result: Result<DeleteOutcome, ObjectError>) {
            switch result {
            case .success(let outcome): self = .deleted(version: outcome.version, isDeleteMarker: outcome.isDeleteMarker)
            case .failure(let error) where error.isAbsence: self = .deleted(version: nil, isDeleteMarker: false)
            case .failure(let error): self = .failed(S3Error(error))
            }
        }
    }

    private(set) var entries: [Entry] = []
    /// Whether the answer names failures alone.
    private(set) var isQuiet = false

    init(_ bytes: [UInt8]) throws {
        var entries: [Entry] = []
        var isQuiet = false
        var reader = try XMLReader(bytes)
        try reader.root("Delete")
        try reader.children { reader, name in
            switch name {
            case "Quiet": isQuiet = try reader.text() == "true"
            case "Object":
                guard entries.count < S3Limits.deletesMaximum else {
                    throw S3Error.malformedXML("at most \(S3Limits.deletesMaximum) objects")
                }
                entries.append(try Entry(&reader))
            default: try reader.skip()
            }
        }
        try reader.finish()
        guard !entries.isEmpty else { throw S3Error.malformedXML("at least one object") }
        self.entries = entries
        self.isQuiet = isQuiet
    }

    /// - Parameter outcomes: One for each of ``entries``, in order.
    func document(_ outcomes: [Outcome], showsVersions: Bool) -> XMLWriter {
        var xml = XMLWriter(capacity: 256 + outcomes.count * 160)
        xml.openRoot("DeleteResult")
        for (entry, outcome) in zip(entries, outcomes) {
            switch outcome {
            case .deleted where isQuiet: break
            case .deleted(let version, let isDeleteMarker):
                xml.deleted(entry, version: showsVersions ? version : nil, isDeleteMarker: isDeleteMarker)
            case .failed(let error): xml.failed(entry, error)
            }
        }
        xml.close("DeleteResult")
        return xml
    }
}

extension Deletion.Entry {
    fileprivate init(_ reader: inout XMLReader) throws {
        var entry = Deletion.Entry()
        var hasKey = false
        try reader.children { reader, name in
            switch name {
            case "Key":
                entry.key = try reader.text()
                hasKey = true
            case "VersionId": entry.version = try reader.text()
            case "ETag": entry.conditions.ifMatch = ETagPattern(try reader.text())
            case "Size":
                let text = try reader.text()
                guard let size = UInt64(text) else { throw S3Error.malformedXML("Size is no number of bytes") }
                entry.conditions.ifMatchSize = size
            case "LastModifiedTime":
                let text = try reader.text()
                guard let seconds = S3Date.seconds(text) else { throw S3Error.malformedXML("LastModifiedTime is no date") }
                entry.conditions.ifMatchLastModified = seconds
            default: try reader.skip()
            }
        }
        guard hasKey, !entry.key.isEmpty else { throw S3Error.malformedXML("an object without a key") }
        self = entry
    }
}

extension XMLWriter {
    fileprivate mutating func deleted(_ entry: Deletion.Entry, version: String?, isDeleteMarker: Bool) {
        open("Deleted")
        element("Key", entry.key)
        if let version = entry.version { element("VersionId", version) }
        if isDeleteMarker {
            element("DeleteMarker", true)
            if let version { element("DeleteMarkerVersionId", version) }
        }
        close("Deleted")
    }

    fileprivate mutating func failed(_ entry: Deletion.Entry, _ error: S3Error) {
        open("Error")
        element("Key", entry.key)
        if let version = entry.version { element("VersionId", version) }
        element("Code", error.code.name)
        element("Message", error.message)
        close("Error")
    }
}
