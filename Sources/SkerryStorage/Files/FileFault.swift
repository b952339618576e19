/// An error that ``MemoryFileLayer`` raises on purpose.
public struct FileFault: Sendable, Hashable {
    /// The operations that can fail.
    public enum Operation: Sendable, Hashable, CaseIterable {
        case open, create, preallocate, write, read, syncData, syncAll, truncate, size, lock, close
        case rename, remove, list, createDirectory, syncDirectory
    }

    /// Which operation fails; nil: any.
    public var operation: Operation?
    /// How many such operations succeed before.
    public var after: Int
    public var code: StorageError.Code
    /// Of a failing write, how many bytes reach the file all the same.
    public var bytesWritten: Int
    /// Whether all later ones fail too.
    public var isLasting: Bool

    public init(
        _ operation: Operation?, after: Int = 0, code: StorageError.Code = .failed, bytesWritten: Int = 0, isLasting: Bool = false
    ) {
        self.operation = operation
        self.after = after
        self.code = code
        self.bytesWritten = bytesWritten
        self.isLasting = isLasting
    }
}
