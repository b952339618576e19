/// A queue between tasks, made as a pair of halves: what is sent into the ``Sender`` comes out of the ``Receiver``, once, in order.
///
/// Any number of tasks may use either half at the same time. Elements of one sending task arrive in the order they were sent.
///
/// The halves are separate references: who was given a `Sender` can send and nothing else, and when the last reference to one half is gone the
/// channel closes towards the other. A `Channel` value holds both, so take them apart where that matters:
///
/// ```swift
/// let (sender, receiver) = Channel<Int>(.buffer(64)).halves
/// async let sum = receiver.fold(into: 0) { $0 += $1 }
/// for number in 1...10 { try await sender.send(number) }
/// sender.close()
/// print(try await sum)    // 55
/// ```
///
/// How it works: two locks and one ring. Senders fill the ring under one lock, receivers empty it under the other, and each side sees
/// how far the other came through one atomic index, so that in the steady state the two sides do not meet on a lock. Everything
/// else (waiting, handing over, closing, select) happens under both locks, taken in one order; see `ChannelCore`.
public struct Channel<Element: Sendable>: Sendable {
    public let sender: Sender<Element>
    public let receiver: Receiver<Element>

    /// - Parameters:
    ///   - capacity: how many elements wait in the channel, and what happens beyond.
    ///   - waiterLimit: operations of one side that may wait at one time; one more throws ``TooManyWaiters``.
    @inlinable
    public init(_ capacity: ChannelCapacity, waiterLimit: Int = 1_024) {
        let core = ChannelCore<Element>(capacity: capacity, waiterLimit: waiterLimit)
        sender = Sender(core: core)
        receiver = Receiver(core: core)
    }

    /// Both halves, to be given to different owners.
    @inlinable
    public var halves: (sender: Sender<Element>, receiver: Receiver<Element>) { (sender, receiver) }
}
