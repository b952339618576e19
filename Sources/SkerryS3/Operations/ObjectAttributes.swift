import HTTPTypes
import SkerryChunks
import SkerryHTTP
import SkerryObjects

// GetObjectAttributes.

/// The parts of its answer a client may ask for.
enum ObjectAttribute: String, CaseIterable {
    case etag = "ETag"
    case checksum = "Checksum"
    case parts = "ObjectParts"
    case storageClass = "StorageClass"
    case size = "ObjectSize"

    /// Reads `x-amz-object-attributes`: a list, in one field or several.
    static func read(_ fields: HTTPFields) throws(S3Error) -> Set<ObjectAttribute> {
        var attributes: Set<ObjectAttribute> = []
        for name in fields[values: .amzObjectAttributes].flatMap({ $0.split(separator: ",") }).map({ String($0.trimmingSpaces) }) {
            guard let attribute = ObjectAttribute(rawValue: name) else {
                throw .invalidArgument("Invalid attribute name specified.", name: "x-amz-object-attributes", value: name)
            }
            attributes.insert(attribute)
        }
        guard !attributes.isEmpty else {
            throw S3Error(.invalidRequest, "Missing required header for this request: x-amz-object-attributes")
        }
        return attributes
    }
}

extension S3Call {
    func getObjectAttributes() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.checkRead(fields)
        let key = try key()
        let selector = try selector()
        let attributes = try ObjectAttribute.read(fields)
        do {
            let version = try await store.version(key, selector, in: bucket)
            try ReadConditions(fields).check(version)
            var fields = HTTPFields()
            fields[.lastModified] = S3Date.httpDate(milliseconds: version.modified)
            if showsVersions(bucket) { fields[.amzVersionID] = version.versionText }
            var xml = XMLWriter(capacity: 1024)
            xml.openRoot("GetObjectAttributesResponse")
            if attributes.contains(.etag) { xml.element("ETag", version.etag.description) }
            if attributes.contains(.checksum), let checksum = version.checksum {
                xml.open("Checksum")
                xml.checksum(checksum)
                xml.close("Checksum")
            }
            if attributes.contains(.parts), version.partCount > 0 { try await writeParts(of: version, to: &xml) }
            if attributes.contains(.storageClass) { xml.element("StorageClass", "STANDARD") }
            if attributes.contains(.size) { xml.element("ObjectSize", version.size) }
            xml.close("GetObjectAttributesResponse")
            return document(xml, fields)
        } catch let error as ObjectError {
            throw readError(error, selector, in: bucket)
        }
    }

    private func writeParts(of version: ObjectVersion, to xml: inout XMLWriter) async throws {
        let limit = try number(.amzMaxParts, absent: S3Limits.partsPerPage, maximum: S3Limits.partsPerPage)
        let marker = try number(.amzPartNumberMarker, absent: 0, maximum: Int(Int32.max))
        // One more than wanted tells whether there are more.
        var parts = try await store.parts(of: version, after: marker, limit: limit + 1)
        let isTruncated = parts.count > limit
        if isTruncated { parts.removeLast() }
        xml.open("ObjectParts")
        xml.element("PartsCount", version.partCount)
        xml.element("PartNumberMarker", marker)
        if let last = parts.last { xml.element("NextPartNumberMarker", last.number) }
        xml.element("MaxParts", limit)
        xml.element("IsTruncated", isTruncated)
        for part in parts {
            xml.open("Part")
            xml.element("PartNumber", part.number)
            xml.element("Size", part.size)
            if let checksum = part.checksum { xml.checksumElement(checksum.algorithm, checksum.base64) }
            xml.close("Part")
        }
        xml.close("ObjectParts")
    }

    private func number(_ name: HTTPField.Name, absent: Int, maximum: Int) throws(S3Error) -> Int {
        guard let text = fields.trimmed(name) else { return absent }
        guard let number = Int(text), number >= 0 else {
            throw .invalidArgument("\(name.canonicalName) is no number", name: name.canonicalName, value: text)
        }
        return min(number, maximum)
    }
}
