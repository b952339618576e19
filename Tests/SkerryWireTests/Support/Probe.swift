import SkerrySession
import SkerryWire
import Synchronization

/// A driver that sends what a test gives it and notes what it hears.
final class Probe: LinkDriver {
    fileprivate struct State {
        var outgoing: [[UInt8]] = []
        var next = 0
        var sentCount = 0
        var pulledBytes = 0
        var received: [[UInt8]] = []
        var bundles = 0
        var endings: [LinkError?] = []
        var callsInside = 0
        var overlaps = 0
        var waiters: [Waiter] = []
        var answer: (@Sendable ([UInt8]) -> [UInt8]?)?
        var hook: (@Sendable (Int) -> Void)?
        var keepsPackets = true
        var isGathering = false
        var gatherings = 0
        var receivedCount = 0
    }

    fileprivate struct Waiter {
        var condition: @Sendable (Probe.Figures) -> Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    /// What a test can wait for.
    struct Figures: Sendable {
        var received: Int
        var pulledBytes: Int
        var isEnded: Bool
    }

    private let state = Mutex(State())
    private let link = Mutex<(any Link)?>(nil)

    // MARK: The test's side

    /// Starts the link with this driver.
    func drive(_ link: any Link) {
        self.link.withLock { $0 = link }
        link.start(self)
    }

    func send(_ packets: [[UInt8]]) {
        state.withLock { $0.outgoing.append(contentsOf: packets) }
        link.withLock { $0 }?.wake()
    }

    /// Answers each packet from inside the call.
    func answers(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) { state.withLock { $0.answer = answer } }

    /// Called inside each delivery with the number of packets so far.
    func hook(_ hook: @escaping @Sendable (Int) -> Void) { state.withLock { $0.hook = hook } }

    /// Says that it is gathering, until it is told to end it.
    func gathers() { state.withLock { $0.isGathering = true } }

    /// Counts packets without keeping them.
    func forgetsPackets() { state.withLock { $0.keepsPackets = false } }

    var received: [[UInt8]] { state.withLock { $0.received } }
    var receivedCount: Int { state.withLock { $0.receivedCount } }
    var pulledBytes: Int { state.withLock { $0.pulledBytes } }
    /// How often the link has waited.
    var gatherings: Int { state.withLock { $0.gatherings } }
    var bundles: Int { state.withLock { $0.bundles } }
    /// One entry for each time the link was said to be over.
    var endings: [LinkError?] { state.withLock { $0.endings } }
    /// Calls that came while another was under way.
    var overlaps: Int { state.withLock { $0.overlaps } }

    func wait(until condition: @escaping @Sendable (Figures) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isTrue = state.withLock { state in
                let isTrue = condition(state.figures)
                if !isTrue { state.waiters.append(Waiter(condition: condition, continuation: continuation)) }
                return isTrue
            }
            if isTrue { continuation.resume() }
        }
    }

    /// Waits for the packets, or for the end that comes instead of them.
    func waitForPackets(_ count: Int) async { await wait { $0.received >= count || $0.isEnded } }

    /// Waits for the end and returns how it was.
    func ending() async -> LinkError? {
        await wait { $0.isEnded }
        return endings[0]
    }

    // MARK: The link's side

    func received(_ packet: UnsafeRawBufferPointer) {
        inside { state in
            state.receivedCount += 1
            let bytes = state.keepsPackets || state.answer != nil ? Array(packet) : []
            if state.keepsPackets { state.received.append(bytes) }
            if let reply = state.answer?(bytes) { state.outgoing.append(reply) }
        }
        let (hook, count) = state.withLock { ($0.hook, $0.receivedCount) }
        hook?(count)
        leave()
        // A driver that answers says so, as a session does.
        link.withLock { $0 }?.wake()
    }

    func readCompleted() {
        inside { $0.bundles += 1 }
        leave()
    }

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        inside { _ in }
        defer { leave() }
        return state.withLock { state in
            guard state.next < state.outgoing.count else { return false }
            packet.append(contentsOf: state.outgoing[state.next])
            state.pulledBytes += state.outgoing[state.next].count
            state.outgoing[state.next] = []
            state.next += 1
            if state.next == state.outgoing.count {
                state.outgoing.removeAll(keepingCapacity: true)
                state.next = 0
            }
            return true
        }
    }

    var isGathering: Bool {
        inside { _ in }
        defer { leave() }
        return state.withLock { $0.isGathering }
    }

    func endGathering() {
        inside { state in
            state.isGathering = false
            state.gatherings += 1
        }
        leave()
    }

    func linkClosed(_ error: LinkError?) {
        inside { $0.endings.append(error) }
        leave()
        link.withLock { $0 = nil }
    }

    private func inside(_ body: (inout State) -> Void) {
        state.withLock { state in
            state.overlaps += state.callsInside
            state.callsInside += 1
            body(&state)
        }
    }

    private func leave() {
        let ready: [Waiter] = state.withLock { state in
            state.callsInside -= 1
            guard !state.waiters.isEmpty else { return [] }
            let figures = state.figures
            let ready = state.waiters.filter { $0.condition(figures) }
            if !ready.isEmpty { state.waiters.removeAll { $0.condition(figures) } }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }
}

extension Probe {
    /// A probe driving the link.
    static func driving(_ link: any Link) -> Probe {
        let probe = Probe()
        probe.drive(link)
        return probe
    }
}

extension Probe.State {
    var figures: Probe.Figures {
        Probe.Figures(received: receivedCount, pulledBytes: pulledBytes, isEnded: !endings.isEmpty)
    }
}
