public import SkerryWire

/// Bytes in both directions: a socket, a pipe, two files, a pair in memory. What a replica can be replicated over.
///
/// Nothing is promised but that bytes arrive in their order, cut anywhere. Each function is called by one task at a time, both at the same time.
public protocol DuplexStream: Sendable {
    /// The next bytes, as many as are there; empty at the end, for ever.
    ///
    /// - Throws: ``LinkError`` when the stream broke, or when the task was cancelled.
    func read() async throws(LinkError) -> [UInt8]

    /// Takes all these bytes, and returns when more may come. No bytes: the end, behind which nothing is written.
    func write(_ bytes: [UInt8]) async throws(LinkError)
}

extension DuplexStream {
    /// Says that nothing more will be written.
    public func close() async throws(LinkError) { try await write([]) }
}
