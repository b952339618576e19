/// How a record comes to the index.
enum RecordArrival: Sendable {
    /// Stamped and appended just now: its version is newer than every other of its key and need not be compared, and it names itself all it replaces.
    case new
    /// Appended once more by a rewrite: its rows are there and name its old place.
    case moved
    /// Read back from the log, in which a rewrite may have left out dead records before it and put live ones behind younger ones.
    case replayed
}
