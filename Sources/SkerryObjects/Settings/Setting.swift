import SkerryCRDT
import SkerryStorage

/// A record of kind bucket, user or access key, or the removal of one: what all six have in common.
struct Setting {
    /// Key of its row in `settings`.
    var key: [UInt8]
    var id: VersionID
    var dot: Dot
    var change: FeedRow.Change
    var isRemoval: Bool

    init(_ record: LogRecord) throws(StorageError) {
        switch record.kind {
        case .bucket: self.init(try Setting.bucket(record.fields), isRemoval: false) { (IndexKey.bucket($0.name), .bucket($0.name)) }
        case .bucketRemoval: self.init(try Setting.name(record.fields), isRemoval: true) { (IndexKey.bucket($0), .bucket($0)) }
        case .user: self.init(try Setting.user(record.fields), isRemoval: false) { (IndexKey.user($0.id), .user($0.id)) }
        case .userRemoval: self.init(try Setting.name(record.fields), isRemoval: true) { (IndexKey.user($0), .user($0)) }
        case .accessKey:
            self.init(try Setting.accessKey(record.fields), isRemoval: false) { (IndexKey.accessKey($0.id), .accessKey($0.id)) }
        case .accessKeyRemoval: self.init(try Setting.name(record.fields), isRemoval: true) { (IndexKey.accessKey($0), .accessKey($0)) }
        default: throw StorageError(.corrupt, "log record of kind \(record.kind.rawValue) is no setting")
        }
    }

    private init<Value>(_ record: SettingRecord<Value>, isRemoval: Bool, _ names: (Value) -> ([UInt8], FeedRow.Change)) {
        id = record.id
        dot = record.dot
        self.isRemoval = isRemoval
        (key, change) = names(record.value)
    }

    static func bucket(_ fields: [UInt8]) throws(StorageError) -> SettingRecord<Bucket> {
        try SettingRecord(fields: fields) { reader throws(StorageError) in try reader.readBucket() }
    }

    static func user(_ fields: [UInt8]) throws(StorageError) -> SettingRecord<User> {
        try SettingRecord(fields: fields) { reader throws(StorageError) in try reader.readUser() }
    }

    static func accessKey(_ fields: [UInt8]) throws(StorageError) -> SettingRecord<AccessKey> {
        try SettingRecord(fields: fields) { reader throws(StorageError) in try reader.readAccessKey() }
    }

    /// What a removal holds: the name of the thing removed.
    static func name(_ fields: [UInt8]) throws(StorageError) -> SettingRecord<String> {
        try SettingRecord(fields: fields) { reader throws(StorageError) in try reader.readString() }
    }
}
