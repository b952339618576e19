/// What one arm waits with. A class with subclasses, since arms of one select have different types and meet in one array; only
/// a select that waits makes any.
public class SelectEntry: @unchecked Sendable {
    // The fields of subclasses are fixed, or are used by the task of the select alone or under the locks of the channel.

    @usableFromInline let channelID: ChannelID?
    @usableFromInline let isSender: Bool

    @usableFromInline
    init(channelID: ChannelID?, isSender: Bool = false) {
        self.channelID = channelID
        self.isSender = isSender
    }

    /// Starts what runs beside: a timer.
    @usableFromInline func start() {}
    @usableFromInline func lock() {}
    @usableFromInline func unlock() {}
    /// Under the locks: goes through if that needs no waiting.
    @usableFromInline func heldAttempt() -> Bool { false }
    /// Under the locks: places to wait that are free.
    @usableFromInline var heldPlaces: Int { .max }
    /// Under the locks: waits.
    @usableFromInline func heldPark() {}
    /// After unlocking: wakes whom the operation freed.
    @usableFromInline func fire() {}
    /// The select is over: waits no more.
    @usableFromInline func leave() {}
    /// Operations that may wait where this one wants to.
    @usableFromInline var waiterLimit: Int { .max }
}

/// Waits to receive from a channel or to send to it.
@usableFromInline
final class ChannelEntry<Element: Sendable>: SelectEntry, @unchecked Sendable {
    @usableFromInline let core: ChannelCore<Element>
    @usableFromInline let waiter: Waiter<Element>
    @usableFromInline var wakes = Wakes<Element>()

    @inlinable
    init(_ core: ChannelCore<Element>, sending element: Element?, selection: Selection, arm: Int) {
        self.core = core
        waiter = Waiter(element: element, selection: selection, arm: arm)
        super.init(channelID: core.id, isSender: element != nil)
    }

    @inlinable
    override func lock() { core.lockBoth() }

    @inlinable
    override func unlock() { core.unlockBoth() }

    @inlinable
    override func heldAttempt() -> Bool {
        if isSender {
            switch core.heldSend(waiter.element!, &wakes) {
            case .done: return true
            case .full: return false
            case .closed:
                waiter.outcome = .closed
                return true
            }
        }
        switch core.heldReceive(&wakes) {
        case .element(let element):
            waiter.element = element
            return true
        case .empty: return false
        case .closed:
            waiter.outcome = .closed
            return true
        }
    }

    @inlinable
    override var heldPlaces: Int { core.waiterLimit - (isSender ? core.senders.count : core.receivers.count) }

    @inlinable
    override func heldPark() {
        _ = isSender ? core.heldPark(sender: waiter, &wakes) : core.heldPark(receiver: waiter, &wakes)
    }

    @inlinable
    override func fire() { wakes.fire() }

    @inlinable
    override func leave() {
        core.lockBoth()
        _ = core.heldRemove(waiter, isSender: isSender)
        core.unlockBoth()
    }

    @inlinable
    override var waiterLimit: Int { core.waiterLimit }
}

/// Waits for a time.
@usableFromInline
final class TimerEntry: SelectEntry, @unchecked Sendable {
    @usableFromInline let timers: any TimerService
    @usableFromInline let duration: Duration
    @usableFromInline let selection: Selection
    @usableFromInline let arm: Int
    /// Written by `start`, read by `leave`, both in the task of the select.
    @usableFromInline var timer: TimerID?

    @usableFromInline
    init(_ timers: any TimerService, _ duration: Duration, selection: Selection, arm: Int) {
        self.timers = timers
        self.duration = duration
        self.selection = selection
        self.arm = arm
        super.init(channelID: nil)
    }

    override func start() {
        timer = timers.schedule(after: duration) { [selection, arm] in selection.interrupt(as: arm) }
    }

    override func leave() {
        if let timer { timers.cancel(timer) }
    }
}
