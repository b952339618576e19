public import Synchronization

/// The shared state of the two halves of a channel.
///
///                sendLock                 receiveLock
///                   |                          |
///     senders  -> tail ...[ ring ]... head ->  receivers
///                   |                          |
///                   +------- both locks -------+
///          waiters, hooks, closing, growing, dropping the oldest
///
/// The ring is that of one producer and one consumer, where "one" is whoever holds the lock of the side. A sender writes the slot and then
/// publishes `tail`; a receiver takes the slot and then publishes `head`. Each side keeps the last index it saw of the other
/// (`knownHead`, `knownTail`) and reads the atomic one only when that is used up, so that the cache line of an index travels once in many elements.
///
/// Everything that concerns both sides happens under both locks, `receiveLock` first, where the channel is a plain single-threaded machine
/// (the functions with `held` in their name). Each side has a word that sends its quick path there (`sendFlags`, `receiveFlags`); it is written
/// under both locks and read under its own. That is why no wake-up is lost: who finds the ring empty or full and wants to wait looks again
/// under both locks before it parks.
///
/// - Invariant: while a receiver waits, the ring is empty and no sender waits; while a sender waits, the ring is full.
// The fields say which lock guards them. Fixed fields are `let`.
@usableFromInline
final class ChannelCore<Element: Sendable>: @unchecked Sendable {
    @usableFromInline typealias Hook = @Sendable () -> Void

    /// The quick path of this side is shut.
    @usableFromInline static var mustWait: UInt8 { 1 }
    @usableFromInline static var closedFlag: UInt8 { 2 }

    // MARK: Fixed

    @usableFromInline let id = ChannelID()
    @usableFromInline let limit: Int
    @usableFromInline let overflow: ChannelCapacity.Overflow
    @usableFromInline let waiterLimit: Int

    // MARK: Written under both locks, read under either

    /// `mask + 1` slots, a power of two, at least `room` of them.
    @exclusivity(unchecked) @usableFromInline var storage: UnsafeMutablePointer<Element>
    @exclusivity(unchecked) @usableFromInline var mask: Int
    /// Elements that fit without growing: never above `limit`.
    @exclusivity(unchecked) @usableFromInline var room: Int
    @exclusivity(unchecked) @usableFromInline var closed: ChannelClosed?

    // MARK: Under both locks

    @exclusivity(unchecked) @usableFromInline var senders = WaiterQueue<Element>()
    @exclusivity(unchecked) @usableFromInline var receivers = WaiterQueue<Element>()
    @exclusivity(unchecked) @usableFromInline var readableHooks: [Hook] = []
    @exclusivity(unchecked) @usableFromInline var writableHooks: [Hook] = []
    /// Receivers that do not wait here, but are ready to take an element; see `Receiver.expect(_:)`.
    @exclusivity(unchecked) @usableFromInline var expected = 0
    @exclusivity(unchecked) @usableFromInline var closeHooks: [@Sendable (ChannelClosed) -> Void] = []
    @exclusivity(unchecked) @usableFromInline var senderOrigin: (any AnyObject & Sendable)?
    @exclusivity(unchecked) @usableFromInline var receiverOrigin: (any AnyObject & Sendable)?

    // MARK: Under the sending lock, on cache lines of its own

    @usableFromInline let padding1: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
    @usableFromInline let sendLock = AdaptiveLock()
    @usableFromInline let sendFlags = Atomic<UInt8>(0)
    /// Elements ever put into the ring.
    @usableFromInline let tail = Atomic<Int>(0)
    @exclusivity(unchecked) @usableFromInline var knownHead = 0
    @usableFromInline let sendSpin = AdaptiveSpin()

    // MARK: Under the receiving lock, on cache lines of its own

    @usableFromInline let padding2: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
    @usableFromInline let receiveLock = AdaptiveLock()
    @usableFromInline let receiveFlags = Atomic<UInt8>(0)
    /// Elements ever taken from the ring.
    @usableFromInline let head = Atomic<Int>(0)
    @exclusivity(unchecked) @usableFromInline var knownTail = 0
    @usableFromInline let receiveSpin = AdaptiveSpin()
    /// State of the generator that gives a fair select whose first arm is this channel the arm to begin with.
    @usableFromInline let turn = Atomic<UInt32>(0x9E37_79B9)

    @usableFromInline let padding3: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)

    @inlinable
    init(capacity: ChannelCapacity, waiterLimit: Int) {
        precondition(waiterLimit > 0, "a channel where \(waiterLimit) operations may wait")
        limit = capacity.limit
        overflow = capacity.overflow
        self.waiterLimit = waiterLimit
        // Small at first: a large bound is often a bound only.
        let slots = min(limit, 16).roundedUpToPowerOfTwo
        storage = .allocate(capacity: slots)
        mask = slots - 1
        room = min(limit, slots)
    }

    @inlinable
    deinit {
        var index = head.load(ordering: .relaxed)
        let end = tail.load(ordering: .relaxed)
        while index != end {
            (storage + (index & mask)).deinitialize(count: 1)
            index &+= 1
        }
        storage.deallocate()
    }
}

extension Int {
    /// The smallest power of two that is at least this number and at least one.
    @inlinable
    var roundedUpToPowerOfTwo: Int {
        self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}

// MARK: - Quick paths

extension ChannelCore {
    /// Puts the element into the ring if there is room and nobody waits. False says: take the long way.
    @inlinable @inline(__always)
    func sendQuickly(_ element: borrowing Element) -> Bool {
        sendLock.lock()
        let tail = tail.load(ordering: .relaxed)
        if sendFlags.load(ordering: .relaxed) == 0, hasRoom(at: tail) {
            (storage + (tail & mask)).initialize(to: copy element)
            publish(tail: tail &+ 1)
            sendLock.unlock()
            return true
        }
        sendLock.unlock()
        return false
    }

    /// Shows receivers what was put into the ring. Under the sending lock.
    ///
    /// A fence and not a store that releases: the optimiser moves a retain past any plain store, atomic ones too (Swift 6.3). The retain of an element
    /// would then come after the element was shown, and a receiver on another core could release it before, which frees what the sender
    /// still holds. No retain passes a fence; on x86-64 it costs nothing.
    @inlinable @inline(__always)
    func publish(tail: Int) {
        atomicMemoryFence(ordering: .releasing)
        self.tail.store(tail, ordering: .relaxed)
    }

    /// Under the sending lock.
    @inlinable @inline(__always)
    func hasRoom(at tail: Int) -> Bool {
        if tail &- knownHead < room { return true }
        knownHead = head.load(ordering: .acquiring)
        return tail &- knownHead < room
    }

    /// Takes an element from the ring if there is one and nobody waits to put another. Nil says: take the long way.
    @inlinable @inline(__always)
    func receiveQuickly() -> Element? {
        receiveLock.lock()
        let head = head.load(ordering: .relaxed)
        if receiveFlags.load(ordering: .relaxed) & Self.mustWait == 0, hasElement(at: head) {
            let element = (storage + (head & mask)).move()
            self.head.store(head &+ 1, ordering: .releasing)
            receiveLock.unlock()
            return element
        }
        receiveLock.unlock()
        return nil
    }

    /// Under the receiving lock. `knownTail` may lie behind `head`, since the long way does not look at it.
    @inlinable @inline(__always)
    func hasElement(at head: Int) -> Bool {
        if knownTail &- head > 0 { return true }
        knownTail = tail.load(ordering: .acquiring)
        return knownTail &- head > 0
    }

    /// Watches for room for a moment, if nobody waits already and if such moments have paid lately.
    @inlinable
    func spinForRoom() -> Bool {
        guard limit > 0, sendFlags.load(ordering: .relaxed) == 0 else { return false }
        return sendSpin.spin(while: head, is: tail.load(ordering: .relaxed) &- room)
    }

    /// Watches for an element for a moment, if nobody waits already and if such moments have paid lately.
    @inlinable
    func spinForElement() -> Bool {
        guard limit > 0, receiveFlags.load(ordering: .relaxed) == 0 else { return false }
        return receiveSpin.spin(while: tail, is: head.load(ordering: .relaxed))
    }

    /// A receive may have something to do, at a moment of the recent past. Takes no lock.
    @inlinable @inline(__always)
    var seemsReadable: Bool {
        tail.load(ordering: .relaxed) != head.load(ordering: .relaxed) || receiveFlags.load(ordering: .relaxed) != 0
    }

    /// A send may have something to do, at a moment of the recent past. Takes no lock.
    @inlinable @inline(__always)
    var seemsWritable: Bool {
        overflow != .wait || tail.load(ordering: .relaxed) &- head.load(ordering: .relaxed) < limit
            || sendFlags.load(ordering: .relaxed) != 0
    }

    /// The next random number for a select that begins with this channel. Two at the same time may get the same one, which harms nobody.
    @inlinable @inline(__always)
    func nextTurn() -> UInt32 {
        // Marsaglia's xorshift, 32 bits.
        var state = turn.load(ordering: .relaxed)
        state ^= state << 13
        state ^= state >> 17
        state ^= state << 5
        turn.store(state, ordering: .relaxed)
        return state
    }

    /// Elements in the ring, at a moment of the recent past.
    @inlinable
    var seenCount: Int {
        let head = head.load(ordering: .acquiring)
        return max(0, tail.load(ordering: .acquiring) &- head)
    }

    @inlinable @inline(__always)
    func lockBoth() {
        receiveLock.lock()
        sendLock.lock()
    }

    @inlinable @inline(__always)
    func unlockBoth() {
        sendLock.unlock()
        receiveLock.unlock()
    }
}
