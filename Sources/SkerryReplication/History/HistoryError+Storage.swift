internal import SkerryMerge
internal import SkerryStorage

extension HistoryError {
    /// The same event in the words of histories.
    init(_ error: StorageError) {
        let code: Code =
            switch error.code {
            case .notFound: .notFound
            case .corrupt, .foreign: .corrupt
            case .newerFormat: .incompatible
            case .locked, .unavailable: .busy
            default: .failed
            }
        self.init(code, error.message + (error.path.map { " (\($0))" } ?? ""))
    }
}

/// Runs `body` and says what went wrong in the words of histories.
func storing<Value>(_ body: () throws(StorageError) -> Value) throws(HistoryError) -> Value {
    do { return try body() } catch { throw HistoryError(error) }
}

extension FileLayer {
    /// Everything in a file; nil when there is none.
    func contents(of path: String, maximum: UInt64) throws(StorageError) -> [UInt8]? {
        let file: File
        do { file = try open(path, .read) } catch {
            if error.code == .notFound { return nil }
            throw error
        }
        return try withResource(file, close: { file throws(StorageError) in try file.close() }) { file throws(StorageError) in
            let size = try file.size()
            guard size <= maximum else { throw StorageError(.corrupt, "a file of \(size) bytes where \(maximum) are allowed", path: path) }
            let bytes = try file.read(at: 0, count: Int(size))
            guard bytes.count == Int(size) else { throw StorageError(.corrupt, "the file is shorter than its size", path: path) }
            return bytes
        }
    }

    /// An empty file under a name that a crash may have left to another: opened as it is, that one would be cut off under its other name.
    func createAnew(_ path: String) throws(StorageError) -> File {
        do throws(StorageError) { try remove(path) } catch { guard error.code == .notFound else { throw error } }
        return try open(path, .create)
    }

    /// Makes `bytes` the content of `directory/name` in one step that a crash leaves done or not done.
    ///
    /// The caller holds whatever lock keeps others from doing the same.
    func replace(_ name: String, in directory: String, with bytes: [UInt8]) throws(StorageError) {
        let draft = "\(directory)/\(name).new"
        let file = try createAnew(draft)
        try withResource(file, close: { file throws(StorageError) in try file.close() }) { file throws(StorageError) in
            try file.write(bytes, at: 0)
            try file.syncData()
        }
        try rename(draft, to: "\(directory)/\(name)")
        try syncDirectory(directory)
    }
}
