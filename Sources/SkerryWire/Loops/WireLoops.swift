internal import NIOCore
internal import NIOPosix

/// The threads that carry links, one event loop each. A link lives on one of them.
public final class WireLoops: Sendable {
    /// One loop per core, for the life of the process.
    public static let shared = WireLoops(MultiThreadedEventLoopGroup.singleton)

    let group: MultiThreadedEventLoopGroup

    /// Loops of one's own, until ``shutdown()``.
    public convenience init(count: Int) {
        self.init(MultiThreadedEventLoopGroup(numberOfThreads: max(1, count)))
    }

    private init(_ group: MultiThreadedEventLoopGroup) {
        self.group = group
    }

    /// The loop of the next link: all in turn.
    func next() -> any EventLoop { group.next() }

    /// Ends the threads; links that are left break. The ``shared`` loops do not end.
    public func shutdown() async {
        guard self !== Self.shared else { return }
        // The only error is a second shutdown.
        try? await group.shutdownGracefully()
    }
}
