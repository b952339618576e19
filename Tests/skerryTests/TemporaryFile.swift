import SkerryRocksDB

@testable import skerry

/// Runs `body` with the path of a file that holds `text`, in a directory of its own which goes away afterwards.
func withTemporaryFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    try withTemporaryDirectory { directory in
        let path = directory + "/file"
        try FileAccess.replace(path, with: Array(text.utf8))
        return try body(path)
    }
}
