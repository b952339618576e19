internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The socket options of links over TCP.
enum StreamOptions {
    /// Bytes of one read: small packets come in bundles that fill it, large ones make it grow.
    private static let readSize = (smallest: 32 * 1024, largest: 256 * 1024)
    /// Reads of one turn, whose answers leave in one write.
    private static let readCountMaximum = 4
    /// Bytes of output queued in the channel before it stops asking for more, and those left when it asks again.
    private static let queued = (low: 64 * 1024, high: 256 * 1024)

    /// Sets what can be set before the connection stands and after, on a channel of which HTTP may have had other ideas.
    static func apply(to channel: any Channel, limits: LinkLimits) throws {
        guard let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
        try options.setOption(.autoRead, value: false)
        try options.setOption(.maxMessagesPerRead, value: UInt(readCountMaximum))
        try options.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(minimum: readSize.smallest, initial: readSize.smallest, maximum: readSize.largest))
        try options.setOption(.writeBufferWaterMark, value: .init(low: queued.low, high: queued.high))
        try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
        try options.setOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: Int(CInt(clamping: limits.silence.milliseconds)))
    }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
