public import SkerrySession

/// A connection to one peer that carries packets: the seam between sessions and whatever moves bytes.
///
/// A link pulls. Who has output says so by ``wake()``, and the link asks its driver for packets as long as the peer takes them. So what the peer
/// does not take stays with the driver, where it can still be cancelled, reordered or merged, and a link has no queue of its own.
///
/// A link belongs to one serial place of execution, its *loop*: all calls to the driver come from there and never overlap or nest. None comes from inside
/// a call to the link, so those may be made under any lock.
/// It keeps its driver from ``start(_:)`` until ``LinkDriver/linkClosed(_:)`` returned.
public protocol Link: AnyObject, Sendable {
    /// What the link does to packets; constant.
    var traits: LinkTraits { get }

    /// Who is on the other side; constant.
    var peer: LinkPeer { get }

    /// Runs tasks on the loop of this link; nil where no thread belongs to it. Constant.
    ///
    /// For short work only: what blocks or computes there holds up every link of the loop.
    var executor: (any TaskExecutor)? { get }

    /// Begins delivery and pulls what the driver already has. Called once, from any thread; until then nothing is read from the peer.
    ///
    /// When the link is closed already, the driver is told so and nothing else.
    func start(_ driver: any LinkDriver)

    /// Says that the driver has output: the link pulls on its loop, soon.
    ///
    /// From any thread, at any time. Cheap: of the calls between two pulls only the first does more than one atomic exchange,
    /// and a call inside ``LinkDriver/received(_:)`` costs nothing else either, since the pull follows anyway.
    func wake()

    /// Sends what the driver has, now instead of soon: for a driver that has a part of its answers and will be busy with the rest.
    ///
    /// Only inside ``LinkDriver/readCompleted()``, on the loop; anywhere else it does nothing. The link may ask for packets before it returns.
    func flush()

    /// Leaves the processor to the loop for a moment: for a driver that woke the link and has much output by now.
    ///
    /// From any thread, under no lock. On the loop it does nothing; elsewhere it costs a system call.
    func giveWay()

    /// Ends the link politely: pulls and sends what the driver still has, says goodbye, and closes when the peer has said so too.
    ///
    /// From any thread; idempotent. After the call no further packets are delivered. The driver hears ``LinkDriver/linkClosed(_:)`` with nil at the end,
    /// or with an error when the peer does not take the rest in time.
    func close()

    /// Cuts the link: what was not sent is dropped, and the peer sees a reset where the transport knows one.
    ///
    /// From any thread; idempotent, also after ``close()``. The driver hears ``LinkError/Code-swift.struct/cut``.
    func cut()
}

extension Link {
    public var executor: (any TaskExecutor)? { nil }

    public func flush() {}

    public func giveWay() {}
}
