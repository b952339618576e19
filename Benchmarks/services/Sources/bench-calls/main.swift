// Calls and elements over one connection on loopback, client and server in one process. Prints `NAME VALUE UNIT` lines.
// Arguments: names of transports (tcp, tls, websocket), all when none is given; `--calls N` for the number of calls a round;
// `--in-flight N` for that many calls under way and nothing else, for a profiler, with `--on-loop` or `--in-pool` from callers there alone;
// `elements` for those alone. `serve` is the process that is killed at the end.

import Glibc
import SkerryCSP
import SkerryRPC

let clock = ContinuousClock()

func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

/// Calls a second with so many in flight.
///
/// - Parameter executor: where the callers run; nil for the pool of the process.
func rate(_ setup: Setup, calls: Int, inFlight: Int, on executor: (any TaskExecutor)? = nil) async throws -> Double {
    let payload = [UInt8](repeating: 7, count: 16)
    let echo = setup.echo
    let start = clock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<inFlight {
            group.addTask(executorPreference: executor) {
                for _ in 0..<calls / inFlight {
                    guard try await echo.echo(payload) == payload else { preconditionFailure("another answer") }
                }
            }
        }
        try await group.waitForAll()
    }
    return Double(calls / inFlight * inFlight) / seconds(clock.now - start)
}

/// Elements a second through a channel that crosses the connection.
func pour(_ setup: Setup, elements: Int) async throws -> Double {
    let channel = Channel<[UInt8]>(.buffer(1_024))
    let echo = setup.echo
    let start = clock.now
    async let pouring: Void = echo.pour(elements, of: 64, into: channel.sender)
    var count = 0
    while true {
        let batch = try await channel.receiver.receive(upTo: 256)
        if batch.isEmpty { break }
        count += batch.count
    }
    try await pouring
    guard count == elements else { preconditionFailure("\(count) of \(elements) elements") }
    return Double(count) / seconds(clock.now - start)
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

var arguments = Array(CommandLine.arguments.dropFirst())

/// Takes the number behind `name` out of the arguments.
func option(_ name: String, of arguments: inout [String]) -> Int? {
    guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count, let value = Int(arguments[index + 1]) else { return nil }
    arguments.removeSubrange(index...index + 1)
    return value
}

if arguments == ["serve"] {
    try await serveUntilKilled()
}

if arguments == ["elements"] {
    let setup = try await Setup(.tcp)
    for _ in 0..<6 { print("elements \(Int(try await pour(setup, elements: 2_000_000))) elements/s") }
    await setup.session.close()
    exit(0)
}

let calls = option("--calls", of: &arguments) ?? 200_000
let chosen = option("--in-flight", of: &arguments)
let isOnLoopAlone = arguments.contains("--on-loop")
let isInPoolAlone = arguments.contains("--in-pool")
arguments.removeAll { $0 == "--on-loop" || $0 == "--in-pool" }
let transports = arguments.isEmpty ? Setup.Transport.allCases : arguments.compactMap(Setup.Transport.init)

for transport in transports {
    let setup = try await Setup(transport)
    _ = try await rate(setup, calls: calls / 4, inFlight: 64)
    for inFlight in isOnLoopAlone ? [] : chosen.map({ [$0] }) ?? (transport == .tcp ? [1, 16, 64, 256] : [64]) {
        var rates: [Double] = []
        for _ in 0..<3 { rates.append(try await rate(setup, calls: inFlight == 1 ? calls / 8 : calls, inFlight: inFlight)) }
        print("\(transport.rawValue)-\(inFlight) \(Int(median(rates))) calls/s")
    }
    for inFlight in isInPoolAlone ? [] : chosen.map({ [$0] }) ?? [64] {
        let executor = setup.session.executor
        var rates: [Double] = []
        for _ in 0..<3 { rates.append(try await rate(setup, calls: calls, inFlight: inFlight, on: executor)) }
        print("\(transport.rawValue)-\(inFlight)-on-loop \(Int(median(rates))) calls/s")
    }
    if transport == .tcp, chosen == nil {
        var rates: [Double] = []
        for _ in 0..<3 { rates.append(try await pour(setup, elements: calls * 10)) }
        print("\(transport.rawValue)-elements \(Int(median(rates))) elements/s")
    }
    await setup.session.close()
}

if chosen == nil {
    var times: [Double] = []
    for _ in 0..<5 { times.append(try await failureTime(calls: 256)) }
    print("killed-256 \(median(times) * 1e3) ms")
}
