@testable import SkerrySession

/// What truly happened in one session, seen from above: the checkers compare what the sides are told with it.
final class Ledger {
    struct Call {
        var path: String
        var isOneWay = false
        var begun = 0
        var returned = 0
        var isCancelled = false
        /// The caller was told that it certainly was not executed.
        var isDenied = false
    }

    struct Flow {
        var sent = 0
        var received = 0
        /// The consumer closed, or the session ended: elements may be missing at the end.
        var isCutShort = false
        /// The producer closed after so many.
        var endsAfter: Int?
    }

    let world: World
    private(set) var calls: [Call] = []
    /// By path: the serial of the call that began last.
    private var lastBegun: [String: Int] = [:]
    var flows: [ReferenceID: Flow] = [:]
    /// Introductions that an importer holds.
    var held: [ReferenceID: Int] = [:]
    /// Ends that their importer closed, before it heard that the host had closed.
    var closedByImporter: Set<ReferenceID> = []
    /// The session failed on some side: what is under way may stay without an end.
    var isBroken = false

    init(_ world: World) { self.world = world }

    func asked(_ path: String, isOneWay: Bool) -> Int {
        calls.append(Call(path: path, isOneWay: isOneWay))
        return calls.count - 1
    }

    func forgetLast() { calls.removeLast() }

    /// At most once, and in order for each reference.
    func begun(_ serial: Int) {
        guard serial < calls.count else { return world.problem("call \(serial) was never made") }
        calls[serial].begun += 1
        world.check(calls[serial].begun == 1, "call \(serial) was executed \(calls[serial].begun) times")
        world.check(!calls[serial].isDenied, "call \(serial) was executed although the caller was told it never would be")
        let path = calls[serial].path
        world.check(lastBegun[path, default: -1] < serial, "call \(serial) on \(path) began after call \(lastBegun[path, default: -1])")
        lastBegun[path] = serial
    }

    /// Exactly once, and truly.
    func returned(_ serial: Int, _ failure: CallFailure?) {
        calls[serial].returned += 1
        world.check(calls[serial].returned == 1, "call \(serial) was answered \(calls[serial].returned) times")
        world.check(!calls[serial].isCancelled, "call \(serial) was answered after it had been called off")
        if let failure {
            if !failure.maybeExecuted { denied(serial) }
        } else {
            world.check(calls[serial].begun == 1, "call \(serial) has a result and was not executed")
        }
    }

    func cancelled(_ serial: Int, maybeExecuted: Bool) {
        calls[serial].isCancelled = true
        if !maybeExecuted { denied(serial) }
    }

    private func denied(_ serial: Int) {
        calls[serial].isDenied = true
        world.check(calls[serial].begun == 0, "call \(serial) was executed although the caller was told it was not")
    }

    /// - Parameter dropped: elements that the consumer's core says were for nobody: a reference that it gave back unseen may come again.
    func received(_ channel: ReferenceID, _ number: Int, dropped: UInt64) {
        let flow = flows[channel, default: Flow()]
        let expected = flow.received
        // A consumer that let go and got hold of the channel again has missed some.
        world.check(
            number == expected || number > expected && number - expected <= Int(dropped),
            "\(channel) brought element \(number), expected \(expected)")
        world.check(number < flows[channel, default: Flow()].sent, "\(channel) brought element \(number), which was not sent")
        flows[channel, default: Flow()].received = number + 1
    }

    /// The end of a session that never broke: nothing is missing.
    func checkComplete() {
        guard !isBroken else { return }
        for (serial, call) in calls.enumerated() where !call.isOneWay {
            world.check(call.returned == 1 || call.isCancelled, "call \(serial) was never answered")
        }
        for (serial, call) in calls.enumerated() where call.isOneWay {
            world.check(call.begun == 1 || !call.path.hasPrefix("root"), "one-way call \(serial) was lost")
        }
        for (id, flow) in flows.sorted(by: { $0.key < $1.key }) where !flow.isCutShort {
            world.check(flow.received == flow.sent, "\(id): \(flow.received) of \(flow.sent) elements arrived")
        }
    }
}
