import HTTPTypes

/// Headers that ask for what this store does not do yet. Ignoring one would be a wrong success: an object believed encrypted, locked or
/// public that is not.
enum UnsupportedFields {
    /// Canned ACLs that ask for what every bucket and object here already has: its owner alone.
    private static let ownersAlone: Set<String> = ["private", "bucket-owner-full-control", "bucket-owner-read"]
    private static let otherACLs: Set<String> = [
        "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "log-delivery-write",
    ]
    private static let otherStorageClasses: Set<String> = [
        "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR",
        "SNOW",
        "EXPRESS_ONEZONE", "FSX_OPENZFS",
    ]

    /// Refuses what a writing request may not ask for.
    static func check(_ fields: HTTPFields) throws(S3Error) {
        for field in fields where field.name.canonicalName.hasPrefix("x-amz-") {
            try check(field.name.canonicalName.dropFirst("x-amz-".count), field.value)
        }
    }

    private static func check(_ name: Substring, _ value: String) throws(S3Error) {
        switch name {
        case "acl": try checkACL(value)
        case "storage-class": try checkStorageClass(value)
        case "tagging", "write-offset-bytes", "rename-source", "bucket-namespace": throw .notImplemented("x-amz-\(name)")
        case "object-ownership": if value != "BucketOwnerEnforced" { throw .notImplemented("x-amz-object-ownership: \(value)") }
        case "bucket-object-lock-enabled": if value.lowercased() == "true" { throw .notImplemented("x-amz-bucket-object-lock-enabled") }
        case "server-side-encryption": try checkEncryption(value)
        default:
            let refusedPrefixes = ["grant-", "object-lock-", "server-side-encryption-", "copy-source-server-side-encryption-"]
            if refusedPrefixes.contains(where: { name.hasPrefix($0) }) { throw .notImplemented("x-amz-\(name)") }
        }
    }

    static func checkACL(_ value: String) throws(S3Error) {
        if ownersAlone.contains(value) { return }
        if otherACLs.contains(value) { throw .notImplemented("x-amz-acl: \(value)") }
        throw .invalidArgument("The canned ACL is not known", name: "x-amz-acl", value: value)
    }

    private static func checkStorageClass(_ value: String) throws(S3Error) {
        if value == "STANDARD" { return }
        if otherStorageClasses.contains(value) { throw .notImplemented("x-amz-storage-class: \(value)") }
        throw S3Error(.invalidStorageClass, "The storage class you specified is not valid").with("StorageClassRequested", value)
    }

    private static func checkEncryption(_ value: String) throws(S3Error) {
        switch value {
        case "AES256", "aws:kms", "aws:kms:dsse", "aws:fsx": throw .notImplemented("x-amz-server-side-encryption: \(value)")
        default:
            throw S3Error(.invalidArgument, "The encryption method specified is not supported").with(
                "ArgumentName", "x-amz-server-side-encryption"
            )
            .with("ArgumentValue", value)
        }
    }

    /// Reads with a customer's key: no object here has one.
    static func checkRead(_ fields: HTTPFields) throws(S3Error) {
        for field in fields where field.name.canonicalName.hasPrefix("x-amz-server-side-encryption") {
            throw S3Error(.invalidRequest, "The encryption parameters are not applicable to this object.")
                .with("ArgumentName", field.name.canonicalName)
        }
    }
}
