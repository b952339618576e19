import HTTPTypes
import SkerryHTTP
import SkerryObjects

// DeleteObject and DeleteObjects.

extension S3Call {
    func deleteObject() async throws -> HTTPReply {
        let bucket = try bucket()
        let request = DeleteRequest(key: try key(), selector: try selector(), conditions: try WriteConditions(fields))
        do {
            let outcome = try await store.delete(request, in: bucket)
            var fields = HTTPFields()
            if let version = outcome.version, showsVersions(bucket) { fields[.amzVersionID] = version }
            if outcome.isDeleteMarker { fields[.amzDeleteMarker] = "true" }
            return empty(.noContent, fields)
        } catch {
            // Deleting what is not there is a success, with conditions and without.
            guard error.isAbsence else { throw error }
            return empty(.noContent)
        }
    }

    /// Deletes up to ``S3Limits/deletesMaximum`` keys. Each has its own outcome; the answer is 200 whatever they are.
    func deleteObjects() async throws -> HTTPReply {
        let bucket = try bucket()
        let deletion = try Deletion(try await requestDocument(isChecksumRequired: true))
        var outcomes: [Deletion.Outcome?] = []
        var requests: [DeleteRequest] = []
        for entry in deletion.entries {
            switch entry.request {
            case .failure(let error): outcomes.append(.failed(error))
            case .success(let request):
                outcomes.append(nil)
                requests.append(request)
            }
        }
        var results = await store.delete(requests, in: bucket).makeIterator()
        for index in outcomes.indices {
            guard case nil = outcomes[index], let result = results.next() else { continue }
            outcomes[index] = Deletion.Outcome(result)
        }
        return document(deletion.document(outcomes.compactMap(\.self), showsVersions: showsVersions(bucket)))
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
            let key: ObjectKey
            do {
                key = try ObjectKey(Array(self.key.utf8))
            } catch {
                return .failure(S3Error(error))
            }
            guard let version else { return .success(DeleteRequest(key: key, conditions: conditions)) }
            guard let selector = try? VersionSelector(s3: version) else {
                return .failure(S3Error(.noSuchVersion, "The specified version does not exist."))
            }
            return .success(DeleteRequest(key: key, selector: selector, conditions: conditions))
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
        var deletion = Deletion()
        var reader = try XMLReader(bytes)
        try reader.root("Delete")
        try reader.children { reader, name in try deletion.take(name, &reader) }
        try reader.finish()
        guard !deletion.entries.isEmpty else { throw S3Error.malformedXML("at least one object") }
        self = deletion
    }

    private init() {}

    private mutating func take(_ name: String, _ reader: inout XMLReader) throws {
        switch name {
        case "Quiet": isQuiet = try reader.text() == "true"
        case "Object":
            guard entries.count < S3Limits.deletesMaximum else { throw S3Error.malformedXML("at most \(S3Limits.deletesMaximum) objects") }
            entries.append(try Entry(&reader))
        default: try reader.skip()
        }
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
        try reader.children { reader, name in try entry.take(name, &reader) }
        guard !entry.key.isEmpty else { throw S3Error.malformedXML("an object without a key") }
        self = entry
    }

    private mutating func take(_ name: String, _ reader: inout XMLReader) throws {
        switch name {
        case "Key": key = try reader.text()
        case "VersionId": version = try reader.text()
        case "ETag": conditions.ifMatch = ETagPattern(try reader.text())
        case "Size":
            guard let size = UInt64(try reader.text()) else { throw S3Error.malformedXML("Size is no number of bytes") }
            conditions.ifMatchSize = size
        case "LastModifiedTime":
            guard let seconds = S3Date.seconds(try reader.text()) else { throw S3Error.malformedXML("LastModifiedTime is no date") }
            conditions.ifMatchLastModified = seconds
        default: try reader.skip()
        }
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
