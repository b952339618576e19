public import SkerryMerge

/// The files somebody works on, as a work tree needs them: by names of any bytes, below one directory that nothing leads out of.
///
/// Paths never pass through links. All calls block.
///
/// - Throws: ``HistoryError`` with `notFound` where there is nothing, `tooLarge` for a file beyond what a history holds, else `failed`.
public protocol WorkFiles: Sendable {
    /// What stands in a directory, in no order; of the directory itself when `names` is empty.
    func entries(of names: [[UInt8]]) throws(HistoryError) -> [WorkEntry]
    /// Everything in a file, and how it looked when it was read.
    func read(_ path: FilePath) throws(HistoryError) -> (content: [UInt8], stamp: FileStamp)
    /// Makes `content` the file's content in one step, with the directories it needs. A file that is there keeps its permissions.
    func write(_ path: FilePath, _ content: [UInt8]) throws(HistoryError) -> FileStamp
    /// Removes a file, and the directories that are empty then.
    func remove(_ path: FilePath) throws(HistoryError)
}

/// What stands under a name.
public struct WorkEntry: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case file(FileStamp)
        case directory
        /// A link, a socket or a device: not kept in histories.
        case other
    }

    public let name: [UInt8]
    public let kind: Kind
    /// Whether it is a file that its owner may execute, which histories do not keep.
    public let isExecutable: Bool

    public init(name: [UInt8], kind: Kind, isExecutable: Bool = false) {
        self.name = name
        self.kind = kind
        self.isExecutable = isExecutable
    }
}

/// What tells that a file is the one it was, without reading it.
public struct FileStamp: Sendable, Hashable {
    /// Bytes.
    public let size: UInt64
    /// When its content was last changed, in nanoseconds since 1970.
    public let modified: Int64
    /// When anything of it was last changed, in nanoseconds since 1970.
    public let changed: Int64
    /// Its number in the file system.
    public let number: UInt64

    public init(size: UInt64, modified: Int64, changed: Int64, number: UInt64) {
        self.size = size
        self.modified = modified
        self.changed = changed
        self.number = number
    }
}
