public import Synchronization

// The long way of each operation: take both locks, ask the machine, unlock, wake whom it named, and wait if it said so.

extension ChannelCore {
    /// Sends without waiting, the long way.
    @inlinable @inline(never)
    func sendAtOnce(_ element: Element) -> Sent {
        var wakes = Wakes<Element>()
        lockBoth()
        let sent = heldSend(element, &wakes)
        unlockBoth()
        wakes.fire()
        return sent
    }

    /// Receives without waiting, the long way.
    @inlinable @inline(never)
    func receiveAtOnce() -> Received {
        var wakes = Wakes<Element>()
        lockBoth()
        let received = heldReceive(&wakes)
        unlockBoth()
        wakes.fire()
        return received
    }

    @inlinable @inline(never)
    func sendWaiting(_ element: Element) async throws {
        if spinForRoom(), sendQuickly(element) { return }
        switch sendAtOnce(element) {
        case .done: return
        case .closed: throw closedError()
        case .full: break
        }
        let waiter = Waiter<Element>(element: element)
        let outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { park(sender: waiter, $0) }
        } onCancel: {
            cancel(waiter, isSender: true)
        }
        switch outcome {
        case .done: return
        case .closed: throw closedError()
        case .cancelled: throw CancellationError()
        case .refused: throw TooManyWaiters(limit: waiterLimit)
        case .failed: throw waiter.error ?? CancellationError()
        }
    }

    @inlinable @inline(never)
    func receiveWaiting() async throws -> Element? {
        if spinForElement(), let element = receiveQuickly() { return element }
        switch receiveAtOnce() {
        case .element(let element): return element
        case .closed: return try endOfElements()
        case .empty: break
        }
        let waiter = Waiter<Element>(element: nil)
        let outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { park(receiver: waiter, $0) }
        } onCancel: {
            cancel(waiter, isSender: false)
        }
        switch outcome {
        // Only senders' elements are taken for a trial.
        case .done, .failed: return waiter.element.take()
        case .closed: return try endOfElements()
        case .cancelled: throw CancellationError()
        case .refused: throw TooManyWaiters(limit: waiterLimit)
        }
    }

    /// Sends, or parks the waiter; resumes the continuation at once when there is nothing to wait for.
    @inlinable
    func park(sender waiter: Waiter<Element>, _ continuation: UnsafeContinuation<WaitOutcome, Never>) {
        var wakes = Wakes<Element>()
        var outcome: WaitOutcome?
        lockBoth()
        if waiter.place == .cancelled {
            outcome = .cancelled
        } else {
            switch heldSend(waiter.element!, &wakes) {
            case .done: outcome = .done
            case .closed: outcome = .closed
            case .full:
                if heldPark(sender: waiter, &wakes) {
                    waiter.continuation = continuation
                } else {
                    outcome = .refused
                }
            }
        }
        unlockBoth()
        wakes.fire()
        if let outcome { continuation.resume(returning: outcome) }
    }

    /// Receives, or parks the waiter; resumes the continuation at once when there is nothing to wait for.
    @inlinable
    func park(receiver waiter: Waiter<Element>, _ continuation: UnsafeContinuation<WaitOutcome, Never>) {
        var wakes = Wakes<Element>()
        var outcome: WaitOutcome?
        lockBoth()
        if waiter.place == .cancelled {
            outcome = .cancelled
        } else {
            switch heldReceive(&wakes) {
            case .element(let element):
                waiter.element = element
                outcome = .done
            case .closed: outcome = .closed
            case .empty:
                if heldPark(receiver: waiter, &wakes) {
                    waiter.continuation = continuation
                } else {
                    outcome = .refused
                }
            }
        }
        unlockBoth()
        wakes.fire()
        if let outcome { continuation.resume(returning: outcome) }
    }

    /// The task of this waiter was cancelled. Too late if a peer has it already: then the operation is done.
    @inlinable @inline(never)
    func cancel(_ waiter: Waiter<Element>, isSender: Bool) {
        lockBoth()
        let isOurs = heldRemove(waiter, isSender: isSender)
        if isOurs { waiter.outcome = .cancelled } else if waiter.place == .idle { waiter.place = .cancelled }
        if waiter.place == .taken { waiter.wasCancelled = true }
        unlockBoth()
        if isOurs { waiter.resume() }
    }

    /// Puts the element behind those that wait for room, and does not wait for it to be taken.
    @inlinable @inline(never)
    func post(_ element: Element) throws {
        var wakes = Wakes<Element>()
        lockBoth()
        var sent = heldSend(element, &wakes)
        if sent == .full, heldPark(sender: Waiter(element: element), &wakes) { sent = .done }
        unlockBoth()
        wakes.fire()
        switch sent {
        case .done: return
        case .closed: throw closedError()
        case .full: throw TooManyWaiters(limit: waiterLimit)
        }
    }
}

// MARK: - Many at once

extension ChannelCore {
    /// Puts as many elements as fit into the ring, under one lock. Returns how many were sent; less than all says: take the long way.
    @inlinable
    func sendQuickly<Elements: Collection<Element>>(_ elements: Elements, from start: Elements.Index) -> Elements.Index {
        var index = start
        sendLock.lock()
        defer { sendLock.unlock() }
        guard sendFlags.load(ordering: .relaxed) == 0 else { return index }
        var tail = tail.load(ordering: .relaxed)
        while index != elements.endIndex, hasRoom(at: tail) {
            (storage + (tail & mask)).initialize(to: elements[index])
            tail &+= 1
            elements.formIndex(after: &index)
        }
        publish(tail: tail)
        return index
    }

    /// Takes up to `count` elements from the ring, under one lock.
    @inlinable
    func receiveQuickly(upTo count: Int, into elements: inout [Element]) -> Int {
        receiveLock.lock()
        guard receiveFlags.load(ordering: .relaxed) & Self.mustWait == 0 else {
            receiveLock.unlock()
            return 0
        }
        let start = head.load(ordering: .relaxed)
        if knownTail &- start < count { knownTail = tail.load(ordering: .acquiring) }
        let end = start &+ min(count, knownTail &- start)
        var head = start
        while head != end {
            elements.append((storage + (head & mask)).move())
            head &+= 1
        }
        self.head.store(head, ordering: .releasing)
        receiveLock.unlock()
        return head &- start
    }

    /// Takes up to `count` elements without waiting, from waiting senders as well.
    @inlinable
    func receiveAtOnce(upTo count: Int, into elements: inout [Element]) -> Int {
        var taken = receiveQuickly(upTo: count, into: &elements)
        guard taken < count, receiveFlags.load(ordering: .relaxed) & Self.mustWait != 0 else { return taken }
        var wakes = Wakes<Element>()
        lockBoth()
        while taken < count, case .element(let element) = heldReceive(&wakes) {
            elements.append(element)
            taken += 1
        }
        unlockBoth()
        wakes.fire()
        return taken
    }
}

// MARK: - Closing

extension ChannelCore {
    /// Closes once; later calls change nothing.
    @inlinable @inline(never)
    func close(_ reason: ChannelClosed, discarding: Bool = false) {
        var wakes = Wakes<Element>()
        lockBoth()
        let hooks = heldClose(reason, &wakes)
        if discarding { heldDiscard(&wakes) }
        unlockBoth()
        wakes.fire()
        for hook in hooks { hook(reason) }
    }

    /// Why the channel is closed, or nil while it is open.
    @inlinable
    var closeReason: ChannelClosed? {
        sendLock.lock()
        defer { sendLock.unlock() }
        return closed
    }

    /// The reason of a channel known to be closed.
    @inlinable @inline(never)
    func closedError() -> ChannelClosed {
        guard let reason = closeReason else { preconditionFailure("an open channel refused an element") }
        return reason
    }

    /// What a receiver gets after the last element.
    @inlinable @inline(never)
    func endOfElements() throws -> Element? {
        if let cause = closedError().cause { throw cause }
        return nil
    }
}

// MARK: - Hooks and origins

extension ChannelCore {
    @inlinable
    func addReadableHook(_ hook: @escaping Hook) throws(TooManyWaiters) -> Bool {
        lockBoth()
        defer { unlockBoth() }
        guard heldCount == 0, senders.isEmpty, closed == nil else { return false }
        guard readableHooks.count < waiterLimit else { throw TooManyWaiters(limit: waiterLimit) }
        readableHooks.append(hook)
        heldSettle()
        return true
    }

    @inlinable
    func addWritableHook(_ hook: @escaping Hook) throws(TooManyWaiters) -> Bool {
        lockBoth()
        defer { unlockBoth() }
        guard overflow == .wait, heldCount >= limit, receivers.isEmpty, expected == 0, closed == nil else { return false }
        guard writableHooks.count < waiterLimit else { throw TooManyWaiters(limit: waiterLimit) }
        writableHooks.append(hook)
        heldSettle()
        return true
    }

    @inlinable
    func addCloseHook(_ hook: @escaping @Sendable (ChannelClosed) -> Void) throws(TooManyWaiters) {
        lockBoth()
        let closed = closed
        let isFull = closeHooks.count >= waiterLimit
        if closed == nil, !isFull { closeHooks.append(hook) }
        unlockBoth()
        if let closed { return hook(closed) }
        if isFull { throw TooManyWaiters(limit: waiterLimit) }
    }

    @inlinable
    func withBothLocks<Result>(_ body: () -> Result) -> Result {
        lockBoth()
        defer { unlockBoth() }
        return body()
    }
}
