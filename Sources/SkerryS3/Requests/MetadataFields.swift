import HTTPTypes
import SkerryObjects

// What a PUT, a copy or CreateMultipartUpload says about the object beside its bytes.

extension ObjectMetadata {
    private static let userPrefix = "x-amz-meta-"

    /// Content headers that are kept and sent back as they came.
    private static let contentHeaders: Set<String> = [
        "cache-control", "content-disposition", "content-language", "expires", "x-amz-website-redirect-location",
    ]

    /// Reads the header of a request.
    ///
    /// Fields of the same user metadata name are joined by a comma, as S3 does. `aws-chunked` is taken out of `Content-Encoding`, for it says
    /// how the body travelled.
    ///
    /// - Throws: `MetadataTooLarge` above ``S3Limits/userMetadataMaximum``.
    init(_ fields: HTTPFields) throws(S3Error) {
        self.init()
        var bytes = 0
        for field in fields {
            let name = field.name.canonicalName
            if name == "content-type" {
                contentType = field.value.isEmpty ? nil : field.value
            } else if ObjectMetadata.contentHeaders.contains(name) {
                headers.append(Field(name: name, value: field.value))
            } else if name == "content-encoding" {
                if let value = ContentCodings.stored(field.value), !value.isEmpty { headers.append(Field(name: name, value: value)) }
            } else if name.hasPrefix(ObjectMetadata.userPrefix) {
                let key = String(name.dropFirst(ObjectMetadata.userPrefix.count))
                guard !key.isEmpty else { continue }
                let value = EncodedWord.decode(field.value)
                bytes += key.utf8.count + value.utf8.count
                addUser(key, value)
            }
        }
        guard bytes <= S3Limits.userMetadataMaximum else {
            throw S3Error(.metadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size.")
                .with("Size", "\(bytes)").with("MaxSizeAllowed", "\(S3Limits.userMetadataMaximum)")
        }
    }

    private mutating func addUser(_ name: String, _ value: String) {
        if let index = user.firstIndex(where: { $0.name == name }) {
            user[index].value += "," + value
        } else {
            user.append(Field(name: name, value: value))
        }
    }

    /// What GET and HEAD send of it.
    func write(to fields: inout HTTPFields) {
        fields[.contentType] = contentType ?? "binary/octet-stream"
        for header in headers {
            if let name = HTTPField.Name(header.name) { fields.append(HTTPField(name: name, value: header.value)) }
        }
        for field in user {
            if let name = HTTPField.Name(ObjectMetadata.userPrefix + field.name) {
                fields.append(HTTPField(name: name, value: EncodedWord.encode(field.value)))
            }
        }
    }
}
