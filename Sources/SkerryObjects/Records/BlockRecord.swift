import SkerryChunks
import SkerryStorage

/// The fields of a chunk or manifest record: whose it is and what its body's name is.
struct BlockRecord {
    var tenant: TenantID
    var digest: Digest

    var fields: [UInt8] {
        var writer = FieldWriter(reserving: 48)
        writer.write(fixed: tenant.rawValue)
        writer.write(raw: digest.bytes)
        writer.write(byte: 0)  // codec: the body stands as it is
        return writer.bytes
    }

    init(tenant: TenantID, digest: Digest) {
        self.tenant = tenant
        self.digest = digest
    }

    init(fields: [UInt8]) throws(StorageError) {
        var reader = FieldReader(fields)
        tenant = TenantID(rawValue: try reader.readFixed())
        digest = try reader.readDigest()
        let codec = try reader.readByte()
        guard codec == 0 else {
            throw StorageError(.newerFormat, "chunk \(digest) is stored with codec \(codec), which this release does not know")
        }
    }
}
