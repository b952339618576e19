/// Which parts of a peer's digest have come.
///
/// On datagrams parts are lost, and the digest is said again as a whole. An origin stands in the same part of each digest of a session, so what is lost of one may come with
/// the next: a digest is whole when each part has come once. Another number of parts is another division, and begins anew.
struct DigestParts: Sendable {
    private var parts = 0
    private var came: Set<Int> = []
    /// Whether all parts have come in this session: what was named in none of them the peer does not have.
    private(set) var wasWhole = false

    /// A part is here.
    ///
    /// - Returns: whether it is the first one of a digest.
    mutating func begin(of parts: Int) -> Bool {
        if parts != self.parts { came = [] }
        self.parts = parts
        return came.isEmpty
    }

    /// What the part says has been taken.
    ///
    /// - Returns: whether it makes a digest whole. The next part then begins the next one.
    mutating func take(_ part: Int) -> Bool {
        came.insert(part)
        guard came.count == parts else { return false }
        came = []
        wasWhole = true
        return true
    }
}
