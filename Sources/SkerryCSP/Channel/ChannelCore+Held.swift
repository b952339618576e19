public import Synchronization

// The channel as a machine: every function here is called under both locks, and resumes and calls nobody. What is to be
// done after unlocking is gathered in `Wakes`.

extension ChannelCore {
    @usableFromInline
    enum Sent: Sendable {
        /// Buffered, handed over, or dropped as the capacity says.
        case done
        case full
        case closed
    }

    @usableFromInline
    enum Received: Sendable {
        case element(Element)
        case empty
        case closed
    }

    @inlinable
    var heldCount: Int { tail.load(ordering: .relaxed) &- head.load(ordering: .relaxed) }

    /// Sends without waiting.
    @inlinable
    func heldSend(_ element: Element, _ wakes: inout Wakes<Element>) -> Sent {
        guard closed == nil else { return .closed }
        if let receiver = heldTakeReceiver() {
            receiver.element = element
            wakes.waiters.append(receiver)
            heldSettle()
            return .done
        }
        if heldCount >= limit {
            switch overflow {
            case .wait:
                return .full
            case .dropNewest:
                return .done
            case .dropOldest:
                wakes.dropped.append(heldPop())
            }
        }
        heldPush(element)
        heldSignalReadable(&wakes)
        heldSettle()
        return .done
    }

    /// Receives without waiting. The room that it makes goes to the first waiting sender.
    @inlinable
    func heldReceive(_ wakes: inout Wakes<Element>) -> Received {
        if heldCount > 0 {
            let element = heldPop()
            if let sender = heldTakeSender() {
                heldPush(sender.element.take()!)
                wakes.waiters.append(sender)
            } else {
                heldSignalWritable(&wakes)
            }
            heldSettle()
            return .element(element)
        }
        if let sender = heldTakeSender() {
            let element = sender.element.take()!
            wakes.waiters.append(sender)
            heldSettle()
            return .element(element)
        }
        return closed == nil ? .empty : .closed
    }

    /// Shuts the channel: what is buffered or posted stays to be received, everybody who waits is told.
    @inlinable
    func heldClose(_ reason: ChannelClosed, _ wakes: inout Wakes<Element>) -> [@Sendable (ChannelClosed) -> Void] {
        guard closed == nil else { return [] }
        closed = reason
        while let receiver = heldTakeReceiver() {
            receiver.outcome = .closed
            wakes.waiters.append(receiver)
        }
        var posted = WaiterQueue<Element>()
        while let sender = heldTakeSender() {
            if sender.isPosted {
                sender.place = .queued
                posted.append(sender)
            } else {
                sender.outcome = .closed
                wakes.waiters.append(sender)
            }
        }
        senders = posted
        heldSignalReadable(&wakes)
        heldSignalWritable(&wakes)
        heldSettle()
        defer { closeHooks = [] }
        return closeHooks
    }

    /// Lets go of everything that nobody can receive any more.
    @inlinable
    func heldDiscard(_ wakes: inout Wakes<Element>) {
        while heldCount > 0 { wakes.dropped.append(heldPop()) }
        while let sender = heldTakeSender() { wakes.dropped.append(sender.element.take()!) }
        heldSettle()
    }

    // MARK: Waiters

    /// The first waiting receiver that is still to be had; it is the caller's to fill and to resume.
    @inlinable
    func heldTakeReceiver() -> Waiter<Element>? {
        while let waiter = receivers.popFirst() {
            if heldClaim(waiter) { return waiter }
        }
        return nil
    }

    /// The first waiting sender that is still to be had; it is the caller's to empty and to resume.
    @inlinable
    func heldTakeSender() -> Waiter<Element>? {
        while let waiter = senders.popFirst() {
            if heldClaim(waiter) { return waiter }
        }
        return nil
    }

    @inlinable
    func heldClaim(_ waiter: Waiter<Element>) -> Bool {
        waiter.place = .taken
        guard let selection = waiter.selection, !waiter.isWon else { return true }
        return selection.claim(waiter.arm)
    }

    /// Parks a sender whose `heldSend` said `full`.
    @inlinable
    func heldPark(sender waiter: Waiter<Element>, _ wakes: inout Wakes<Element>) -> Bool {
        guard senders.count < waiterLimit else { return false }
        waiter.place = .queued
        senders.append(waiter)
        // Nothing waits in a ring without room: the element that waits here is what there is to read.
        if limit == 0 { heldSignalReadable(&wakes) }
        heldSettle()
        return true
    }

    /// Parks a receiver whose `heldReceive` said `empty`.
    @inlinable
    func heldPark(receiver waiter: Waiter<Element>, _ wakes: inout Wakes<Element>) -> Bool {
        guard receivers.count < waiterLimit else { return false }
        waiter.place = .queued
        receivers.append(waiter)
        if limit == 0 { heldSignalWritable(&wakes) }
        heldSettle()
        return true
    }

    /// Takes the waiter out if it is still parked.
    @inlinable
    func heldRemove(_ waiter: Waiter<Element>, isSender: Bool) -> Bool {
        guard waiter.place == .queued else { return false }
        waiter.place = .taken
        if isSender { senders.remove(waiter) } else { receivers.remove(waiter) }
        heldSettle()
        return true
    }

    // MARK: Hooks

    @inlinable
    func heldSignalReadable(_ wakes: inout Wakes<Element>) {
        guard !readableHooks.isEmpty else { return }
        wakes.hooks += readableHooks
        readableHooks = []
    }

    @inlinable
    func heldSignalWritable(_ wakes: inout Wakes<Element>) {
        guard !writableHooks.isEmpty else { return }
        wakes.hooks += writableHooks
        writableHooks = []
    }

    /// Opens or shuts the quick paths, after any change of waiters, hooks or closing.
    @inlinable
    func heldSettle() {
        let shut = closed == nil ? 0 : Self.closedFlag
        sendFlags.store(shut | (receivers.isEmpty && readableHooks.isEmpty ? 0 : Self.mustWait), ordering: .relaxed)
        receiveFlags.store(shut | (senders.isEmpty && writableHooks.isEmpty ? 0 : Self.mustWait), ordering: .relaxed)
    }

    // MARK: Ring

    @inlinable
    func heldPush(_ element: Element) {
        let tail = tail.load(ordering: .relaxed)
        if heldCount > mask { heldGrow() }
        (storage + (tail & mask)).initialize(to: element)
        self.tail.store(tail &+ 1, ordering: .releasing)
    }

    @inlinable
    func heldPop() -> Element {
        let head = head.load(ordering: .relaxed)
        let element = (storage + (head & mask)).move()
        self.head.store(head &+ 1, ordering: .releasing)
        return element
    }

    /// Doubles the ring. Indexes keep counting; each element moves to the slot that its index has in the larger ring.
    @inlinable
    func heldGrow() {
        let slots = (mask + 1) * 2
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: slots)
        var index = head.load(ordering: .relaxed)
        let end = tail.load(ordering: .relaxed)
        while index != end {
            (larger + (index & (slots - 1))).moveInitialize(from: storage + (index & mask), count: 1)
            index &+= 1
        }
        storage.deallocate()
        storage = larger
        mask = slots - 1
        room = min(limit, slots)
    }

    /// Walks what the invariants say. For tests.
    func checkInvariants() {
        lockBoth()
        defer { unlockBoth() }
        let count = heldCount
        precondition(count >= 0 && count <= limit && count <= mask + 1, "\(count) elements in a ring for \(limit)")
        // Without a ring, a select may wait on both sides of one channel.
        precondition(receivers.isEmpty || limit == 0 || (count == 0 && senders.isEmpty), "a receiver waits beside \(count) elements")
        precondition(senders.isEmpty || count == limit || closed != nil, "a sender waits beside room")
        precondition(senders.count <= waiterLimit && receivers.count <= waiterLimit, "too many wait")
    }
}
