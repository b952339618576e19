/// Hears of every request that was answered: the seam for metrics.
///
/// Called on the connection's executor before the reply's body is sent; it must not block.
public protocol S3Observer: Sendable {
    func answered(_ observation: S3Observation)
}

/// One answered request.
public struct S3Observation: Sendable {
    /// nil when the request was refused before its operation was known.
    public var operation: S3Operation?
    public var status: Int
    /// S3's name of the error, nil for a success.
    public var errorCode: String?
    /// Bytes of the body as they travelled, taken so far.
    public var bytesReceived: UInt64
    /// Bytes of the reply's body, 0 where they are not known beforehand.
    public var bytesSent: UInt64
    /// From the call to the reply's head; the body of a large object is sent later.
    public var duration: Duration

    public init(operation: S3Operation?, status: Int, errorCode: String?, bytesReceived: UInt64, bytesSent: UInt64, duration: Duration) {
        self.operation = operation
        self.status = status
        self.errorCode = errorCode
        self.bytesReceived = bytesReceived
        self.bytesSent = bytesSent
        self.duration = duration
    }
}
