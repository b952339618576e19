// The session core by itself: two cores in one process hand each other their packets. No sockets, no tasks, no locks: what is left is the price of the
// protocol, in ns of one core for both sides together.
//
//     swift run -c release bench-session [calls | elements | all]

import Glibc
import SkerrySession

/// Monotonic time.
func now() -> Moment {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Moment(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// Resident memory in KiB.
func resident() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var (size, pages) = (0, 0)
    withUnsafeMutablePointer(to: &size) { size in
        withUnsafeMutablePointer(to: &pages) { pages in
            _ = withVaList([size, pages]) { vfscanf(file, "%ld %ld", $0) }
        }
    }
    return pages * 4
}

/// Two cores with an established session.
final class Bench {
    var client: SessionCore
    var server: SessionCore
    var events: [SessionEvent] = []
    var buffer: [UInt8] = []

    init(_ traits: LinkTraits, configuration: SessionConfiguration = SessionConfiguration()) {
        var configuration = configuration
        configuration.encoding = traits.encoding
        let start = now()
        let session = SessionID(high: 1, low: 1)
        client = SessionCore(
            role: .initiator, configuration: configuration, identity: SessionIdentity(session: session, epoch: 1), now: start)
        server = SessionCore(
            role: .acceptor, configuration: configuration, identity: SessionIdentity(session: session, epoch: 2), now: start)
        do {
            try client.attach(traits, now: start)
            try server.attach(traits, now: start)
        } catch {
            print("cannot attach: \(error)")
            exit(1)
        }
        for _ in 0..<4 {
            toServer(start) { _, _, _ in }
            toClient(start) { _, _, _ in }
        }
    }

    /// Hands the client's packets to the server and each event to `handle`.
    @inline(__always)
    func toServer(_ time: Moment, _ handle: (inout SessionCore, SessionEvent, UnsafeRawBufferPointer) -> Void) {
        while true {
            buffer.removeAll(keepingCapacity: true)
            guard client.nextPacket(into: &buffer, now: time) else { return }
            buffer.withUnsafeBytes { packet in
                server.receive(packet, now: time, into: &events)
                for event in events { handle(&server, event, packet) }
            }
            events.removeAll(keepingCapacity: true)
        }
    }

    @inline(__always)
    func toClient(_ time: Moment, _ handle: (inout SessionCore, SessionEvent, UnsafeRawBufferPointer) -> Void) {
        while true {
            buffer.removeAll(keepingCapacity: true)
            guard server.nextPacket(into: &buffer, now: time) else { return }
            buffer.withUnsafeBytes { packet in
                client.receive(packet, now: time, into: &events)
                for event in events { handle(&client, event, packet) }
            }
            events.removeAll(keepingCapacity: true)
        }
    }
}

func report(_ name: String, _ count: Int, _ start: Moment, _ unit: String) {
    let nanoseconds = Double((now() - start).components.attoseconds) / 1e9 + Double((now() - start).components.seconds) * 1e9
    let each = nanoseconds / Double(count)
    print("\(name): \(Int(each)) ns/\(unit), \(Int(1e9 / each)) \(unit)s/s, \(resident()) KiB resident")
}

/// Calls of 16 bytes with a deadline of 30 s, `inFlight` at a time.
func calls(_ name: String, _ traits: LinkTraits, inFlight: Int, count: Int) throws {
    let bench = Bench(traits)
    let method = try bench.client.method("add", digest: 1)
    let payload: [UInt8] = traits.encoding == .text ? Array("\"0123456789abcd\"".utf8) : [UInt8](repeating: 7, count: 16)
    let format: PayloadFormat = traits.encoding == .text ? .json : .bin
    var done = 0
    func rounds(_ total: Int) throws {
        var asked = 0
        while asked < total {
            let time = now()
            try payload.withUnsafeBytes { bytes in
                for _ in 0..<inFlight {
                    _ = try bench.client.call(.root, method: method, payload: bytes, format: format, deadline: .seconds(30), now: time)
                }
            }
            asked += inFlight
            bench.toServer(time) { server, event, packet in
                if case .call(let call) = event {
                    call.payload.withBytes(in: packet) { server.answer(call.id, value: $0, format: format, confirmsDigest: true) }
                }
            }
            bench.toClient(time) { _, event, _ in if case .returned = event { done += 1 } }
            _ = bench.client.nextDeadline
            _ = bench.server.nextDeadline
        }
    }
    try rounds(20_000)
    let start = now()
    try rounds(count)
    report(name, count, start, "call")
    guard done >= count, bench.client.statistics.questions == 0, bench.server.statistics.answers == 0 else {
        print("\(name): calls were lost")
        exit(1)
    }
}

/// Elements of 64 bytes through one channel, taken as they come.
func elements(_ name: String, _ traits: LinkTraits, size: Int, count: Int) throws {
    let bench = Bench(traits)
    let sender = try bench.server.export(.sender)
    let method = try bench.server.method("take", digest: 1)
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    _ = try bench.server.call(
        .root, method: method, payload: empty, format: .none, references: [.sender(sender)], deadline: nil, now: now())
    bench.toClient(now()) { _, _, _ in }
    let text = Array("\"\(String(repeating: "e", count: size - 2))\"".utf8)
    let element: [UInt8] = traits.encoding == .text ? text : [UInt8](repeating: 7, count: size)
    var taken = 0
    var sum = 0
    func rounds(_ total: Int) throws {
        let target = taken + total
        while taken < target {
            let time = now()
            try element.withUnsafeBytes { bytes in while try bench.client.send(sender, element: bytes) {} }
            bench.toServer(time) { server, event, packet in
                guard case .elements(let id, let block) = event else { return }
                block.forEach(in: packet) { sum &+= Int($0[0]) }
                taken += block.count
                server.taken(id, elements: block.count, bytes: block.byteCount, now: time)
            }
            bench.toClient(time) { _, _, _ in }
        }
    }
    try rounds(200_000)
    let start = now()
    try rounds(count)
    report(name, count, start, "element")
}

let what = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "all"
if what == "calls" || what == "all" {
    try calls("calls, binary, 64 in flight", .stream, inFlight: 64, count: 2_000_000)
    try calls("calls, binary, 1 in flight", .stream, inFlight: 1, count: 1_000_000)
    try calls("calls, binary, lossy link, 64 in flight", .datagram, inFlight: 64, count: 1_000_000)
    try calls("calls, text, 64 in flight", .text, inFlight: 64, count: 500_000)
}
if what == "elements" || what == "all" {
    try elements("elements of 64 bytes, binary", .stream, size: 64, count: 10_000_000)
    try elements("elements of 64 bytes, binary, lossy link", .datagram, size: 64, count: 3_000_000)
    try elements("elements of 64 bytes, text", .text, size: 64, count: 3_000_000)
}
