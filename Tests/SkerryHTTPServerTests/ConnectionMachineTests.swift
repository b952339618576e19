import HTTPTypes
import NIOCore
import SkerryHTTP
import Testing

@testable import SkerryHTTPServer

/// The protocol of a connection without one: each event by hand, each answer looked at.
@Suite final class ConnectionMachineTests {
    private static let patience = ConnectionMachine.Patience(
        idle: 10, head: 5, body: 7, bodyRateGrace: 100, linger: 3, bodyBytesPerTick: 0, drainedBody: 100)

    private var machine = ConnectionMachine(patience: patience, now: 0)

    private static func head(
        length: UInt64? = 0, isKeptAlive: Bool = true, expectsContinue: Bool = false
    ) -> ConnectionMachine.Part {
        .head(
            RequestHead(
                request: HTTPRequest(method: .put, scheme: "http", authority: nil, path: "/"), isHTTP10: false, isKeptAlive: isKeptAlive,
                expectsContinue: expectsContinue, bodyLength: length))
    }

    private static func bytes(_ count: Int) -> ConnectionMachine.Part {
        .body(ByteBuffer(repeating: 0, count: count))
    }

    private func receive(_ parts: [ConnectionMachine.Part], now: Int = 0) {
        for part in parts { machine.received(part) }
        machine.readCompleted(now: now)
    }

    private func step(now: Int = 0) -> String {
        switch machine.nextStep(now: now) {
        case .wait: "wait"
        case .dispatch: "dispatch"
        case .refuse(let refusal): "refuse \(refusal)"
        case .linger: "linger"
        case .close: "close"
        }
    }

    private func piece(now: Int = 0) -> String {
        switch machine.takePiece(now: now) {
        case .bytes(let bytes): "\(bytes.readableBytes)"
        case .end: "end"
        case .failed(let error): "\(error)"
        case .wait(let sendContinue): sendContinue ? "wait after 100" : "wait"
        }
    }

    private func replyStarts(closesConnection: Bool = false) -> Bool {
        machine.replyStarts(closesConnection: closesConnection)
    }

    private func replyEnded(now: Int) -> ConnectionMachine.AfterReply {
        machine.replyEnded(now: now)
    }

    private func endWaiting() -> Bool {
        machine.endWaiting()
    }

    private func shutdownBegan() -> Bool {
        machine.shutdownBegan()
    }

    private func tick(_ now: Int) -> String {
        switch machine.ticked(now: now) {
        case .none: "none"
        case .close: "close"
        case .refuse(let refusal): "refuse \(refusal)"
        case .failBody: "fail body"
        }
    }

    @Test func `A request without a body is complete with its head`() {
        receive([Self.head(), .end])
        #expect(step() == "dispatch")
        #expect(piece() == "end")
        #expect(replyStarts())
        #expect(replyEnded(now: 1) == .next)
        #expect(machine.phase == .idle)
    }

    @Test func `The next request waits for the reply before it`() {
        receive([Self.head(), .end, Self.head(), .end])
        #expect(step() == "dispatch")
        #expect(step() == "wait")
        #expect(!machine.wantsRead)
        #expect(replyStarts())
        #expect(replyEnded(now: 1) == .next)
        #expect(step() == "dispatch")
        #expect(machine.wantsRead)
    }

    @Test func `The socket is read only while nothing stands ready`() {
        #expect(machine.wantsRead)
        receive([Self.head(length: 10), Self.bytes(4)])
        #expect(step() == "dispatch")
        #expect(!machine.wantsRead)
        #expect(piece() == "4")
        #expect(machine.wantsRead)
        #expect(piece() == "wait")
        receive([Self.bytes(6), .end])
        #expect(endWaiting())
        #expect(piece() == "6")
        #expect(piece() == "end")
        #expect(piece() == "end")
    }

    @Test func `100 Continue is sent once, and not to a client that has sent`() {
        receive([Self.head(length: 10, expectsContinue: true)])
        #expect(step() == "dispatch")
        #expect(piece() == "wait after 100")
        receive([Self.bytes(4)])
        #expect(endWaiting())
        #expect(piece() == "4")
        #expect(piece() == "wait")
    }

    @Test func `A reply while 100 Continue is owed ends the connection`() {
        receive([Self.head(length: 10, expectsContinue: true)])
        #expect(step() == "dispatch")
        #expect(!replyStarts())
        #expect(replyEnded(now: 0) == .linger)
    }

    @Test(arguments: [(UInt64(100), true), (101, false)])
    func `An unread rest is drained up to the limit`(length: UInt64, isKept: Bool) {
        receive([Self.head(length: length)])
        #expect(step() == "dispatch")
        #expect(replyStarts() == isKept)
        #expect(replyEnded(now: 0) == (isKept ? .next : .linger))
    }

    @Test func `A drained body is followed by the next request`() {
        receive([Self.head(length: nil)])
        #expect(step() == "dispatch")
        #expect(replyStarts())
        #expect(replyEnded(now: 0) == .next)
        receive([Self.bytes(60)])
        #expect(step() == "wait")
        receive([Self.bytes(40), .end, Self.head(), .end])
        #expect(step() == "dispatch")
    }

    @Test func `A drained body beyond the limit ends the connection`() {
        receive([Self.head(length: nil)])
        #expect(step() == "dispatch")
        #expect(replyStarts())
        #expect(replyEnded(now: 0) == .next)
        receive([Self.bytes(101)])
        #expect(step() == "linger")
    }

    @Test func `A reader stopped right before the end has read everything`() {
        receive([Self.head(length: 10), Self.bytes(10), .end])
        #expect(step() == "dispatch")
        #expect(piece() == "10")
        #expect(replyStarts(closesConnection: true) == false)
        #expect(replyEnded(now: 0) == .close)
    }

    @Test func `Broken framing inside a body is malformed for good`() {
        receive([Self.head(length: nil), .refused(.malformed)])
        #expect(step() == "dispatch")
        #expect(piece() == "malformed")
        #expect(piece() == "malformed")
        #expect(!replyStarts())
        #expect(replyEnded(now: 0) == .linger)
    }

    @Test func `A closed connection truncates an open body and not a complete one`() {
        var complete = machine
        receive([Self.head(length: 10)])
        #expect(step() == "dispatch")
        machine.closed()
        #expect(piece() == "truncated")
        complete.received(Self.head())
        complete.received(.end)
        _ = complete.nextStep(now: 0)
        complete.closed()
        machine = complete
        #expect(piece() == "end")
    }

    // MARK: Time

    @Test func `A new connection has the time of a head, and is told only when it began one`() {
        let fresh = machine
        #expect(tick(4) == "none")
        #expect(tick(5) == "close")
        machine = fresh
        machine.readCompleted(now: 3)
        #expect(tick(4) == "none")
        #expect(tick(5) == "refuse headTimedOut")
    }

    @Test func `What comes unasked beyond one read is a flood`() {
        receive([Self.head(length: 1_000_000), Self.bytes(60_000)])
        #expect(step() == "dispatch")
        #expect(!machine.isFlooded)
        receive([Self.bytes(60_000)])
        #expect(machine.isFlooded)
        #expect(piece() == "60000")
        #expect(!machine.isFlooded)
    }

    @Test func `A body is read in small pieces until it is asked for, and never more than is left of it`() {
        receive([Self.head(length: 100_000)])
        #expect(step() == "dispatch")
        #expect(machine.readSizeWanted == ReceiveSizing.smallSize)
        #expect(piece() == "wait")
        #expect(machine.readSizeWanted == ReceiveSizing.largeSize)
        receive([Self.bytes(65_536)])
        #expect(piece() == "65536")
        #expect(machine.readSizeWanted == 100_000 - 65_536 + ReceiveSizing.smallSize)
    }

    @Test func `An idle connection has its own time, and a started head has the head's from its first byte`() {
        receive([Self.head(), .end])
        #expect(step() == "dispatch")
        _ = replyStarts()
        #expect(replyEnded(now: 20) == .next)
        #expect(tick(29) == "none")
        var partial = machine
        #expect(tick(30) == "close")
        partial.readCompleted(now: 29)
        partial.readCompleted(now: 33)
        machine = partial
        #expect(tick(33) == "none")
        #expect(tick(34) == "refuse headTimedOut")
    }

    @Test func `The clock of a body runs only while the service waits for it`() {
        receive([Self.head(length: 10), Self.bytes(1)])
        #expect(step() == "dispatch")
        #expect(tick(1000) == "none")
        #expect(piece(now: 1000) == "1")
        #expect(tick(2000) == "none")
        #expect(piece(now: 2000) == "wait")
        #expect(tick(2006) == "none")
        machine.readCompleted(now: 2006)
        #expect(tick(2007) == "none")
        #expect(tick(2013) == "fail body")
        #expect(endWaiting())
        #expect(piece() == "timedOut")
        #expect(!replyStarts())
    }

    @Test func `A rate below the least counts after the grace`() {
        var patience = Self.patience
        patience.bodyBytesPerTick = 10
        patience.bodyRateGrace = 4
        patience.body = 1000
        for (count, expected) in [(49, "fail body"), (50, "none")] {
            let test = ConnectionMachineTests()
            test.machine = ConnectionMachine(patience: patience, now: 0)
            test.receive([Self.head(length: 1000), Self.bytes(count)])
            #expect(test.step() == "dispatch")
            #expect(test.piece() == "\(count)")
            #expect(test.piece() == "wait")
            for now in 1...4 { #expect(test.tick(now) == "none") }
            #expect(test.tick(5) == expected)
        }
    }

    @Test func `A lingering connection drops what comes and ends with its time`() {
        machine.lingeringBegan(now: 0)
        receive([Self.head(), .end])
        #expect(step() == "wait")
        #expect(machine.wantsRead)
        #expect(tick(2) == "none")
        #expect(tick(3) == "close")
    }

    // MARK: Shutdown

    @Test func `A shutdown closes an idle connection at once and a busy one behind its reply`() {
        receive([Self.head(), .end])
        #expect(step() == "dispatch")
        let busy = machine
        _ = replyStarts()
        _ = replyEnded(now: 0)
        #expect(shutdownBegan())
        machine = ConnectionMachine(patience: Self.patience, now: 0)
        #expect(shutdownBegan())
        machine = busy
        #expect(!shutdownBegan())
        #expect(!replyStarts())
        #expect(replyEnded(now: 0) == .close)
    }
}
