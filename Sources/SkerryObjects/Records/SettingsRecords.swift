import SkerryCRDT
import SkerryStorage

/// The first record of a log: who writes it.
struct OriginRecord: Sendable {
    var origin: OriginID
    var siteName: String

    var fields: [UInt8] {
        var writer = FieldWriter()
        writer.write(fixed: origin.rawValue)
        writer.write(siteName)
        return writer.bytes
    }

    init(origin: OriginID, siteName: String) {
        self.origin = origin
        self.siteName = siteName
    }

    init(fields: [UInt8]) throws(StorageError) {
        var reader = FieldReader(fields)
        origin = OriginID(rawValue: try reader.readFixed())
        siteName = try reader.readString()
    }
}

/// A setting of the site, as a record: stamped, numbered, the newest stamp wins.
struct SettingRecord<Value: Sendable>: Sendable {
    /// When and where it was written.
    var id: VersionID
    var dot: Dot
    var value: Value
}

extension SettingRecord {
    func fields(_ body: (inout FieldWriter, Value) -> Void) -> [UInt8] {
        var writer = FieldWriter()
        writer.write(id)
        writer.write(dot)
        body(&writer, value)
        return writer.bytes
    }

    init(fields: [UInt8], _ body: (inout FieldReader) throws(StorageError) -> Value) throws(StorageError) {
        var reader = FieldReader(fields)
        id = try reader.readVersionID()
        dot = try reader.readDot()
        value = try body(&reader)
    }
}

extension FieldWriter {
    mutating func write(_ bucket: Bucket) {
        write(fixed: bucket.id.rawValue)
        write(bucket.name)
        write(bucket.owner)
        write(fixed: bucket.tenant.rawValue)
        write(fixed: bucket.created.rawValue)
        write(bucket.region)
        write(byte: bucket.versioning.rawValue)
    }

    mutating func write(_ user: User) {
        write(user.id)
        write(user.displayName)
        write(user.email)
        write(fixed: user.tenant.rawValue)
        write(user.isRoot)
    }

    mutating func write(_ key: AccessKey) {
        write(key.id)
        write(key.secret)
        write(key.user)
        write(key.created)
    }
}

extension FieldReader {
    mutating func readBucket() throws(StorageError) -> Bucket {
        let id = BucketID(rawValue: try readFixed())
        let name = try readString()
        let owner = try readString()
        let tenant = TenantID(rawValue: try readFixed())
        let created = HybridTimestamp(rawValue: try readFixed())
        let region = try readString()
        guard let versioning = Bucket.Versioning(rawValue: try readByte()) else {
            throw StorageError(.corrupt, "bucket \(name): unknown versioning state")
        }
        return Bucket(id: id, name: name, owner: owner, tenant: tenant, created: created, region: region, versioning: versioning)
    }

    mutating func readUser() throws(StorageError) -> User {
        let id = try readString()
        let displayName = try readString()
        let email = try readString()
        return User(
            id: id, displayName: displayName, email: email, tenant: TenantID(rawValue: try readFixed()), isRoot: try readBool())
    }

    mutating func readAccessKey() throws(StorageError) -> AccessKey {
        let id = try readString()
        let secret = try readString()
        let user = try readString()
        return AccessKey(id: id, secret: secret, user: user, created: try readInteger())
    }
}
