extension HTTPRequestBody {
    /// The whole body in one array, or nil when it is longer than `limit` bytes; then the rest stays unread.
    ///
    /// - Complexity: O(n) in the bytes of the body. A known length above the limit is refused before a byte is read,
    ///   so a client that waits for `100 Continue` never sends it.
    public func collect(upTo limit: Int) async throws(HTTPBodyError) -> [UInt8]? {
        if let length, length > UInt64(limit) { return nil }
        var bytes: [UInt8] = []
        if let length { bytes.reserveCapacity(Int(length)) }
        while let piece = try await next() {
            guard bytes.count + piece.count <= limit else { return nil }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }
}
