import SkerryCSP
import Synchronization

// Nanoseconds per element of the workloads named as arguments, or of all, one line each: `NAME NANOSECONDS`.
// `go/channels.go` has the same workloads under the same names; `channels.py` runs both and compares.

struct Workload: Sendable {
    let name: String
    let elements: Int
    let body: @Sendable (_ elements: Int) async throws -> Void
}

let workloads = [
    Workload(name: "buffered", elements: 2_000_000) { try await stream($0, producers: 1, capacity: .buffer(64)) },
    Workload(name: "four-to-one", elements: 2_000_000) { try await stream($0, producers: 4, capacity: .buffer(64)) },
    Workload(name: "select", elements: 2_000_000) { try await selectTwo($0) },
    Workload(name: "sequence", elements: 2_000_000) { try await iterate($0) },
    Workload(name: "batch", elements: 4_000_000) { try await batch($0) },
    Workload(name: "rendezvous", elements: 200_000) { try await stream($0, producers: 1, capacity: .rendezvous) },
    Workload(name: "ping-pong", elements: 100_000) { try await pingPong($0) },
    Workload(name: "uncontended", elements: 4_000_000) { try await uncontended($0) },
]

/// Producers send the numbers, one task receives and sums them.
func stream(_ elements: Int, producers: Int, capacity: ChannelCapacity) async throws {
    let (sender, receiver) = Channel<Int>(capacity).halves
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<producers {
            group.addTask {
                for number in 0..<elements / producers { try await sender.send(number) }
            }
        }
        group.addTask {
            var sum = 0
            for _ in 0..<elements / producers * producers { sum &+= try await receiver.receive()! }
            check(sum, elements / producers, producers)
        }
        try await group.waitForAll()
    }
}

/// Two producers with a channel each, one task that selects over both.
func selectTwo(_ elements: Int) async throws {
    let left = Channel<Int>(.buffer(64))
    let right = Channel<Int>(.buffer(64))
    try await withThrowingTaskGroup(of: Void.self) { group in
        for sender in [left.sender, right.sender] {
            group.addTask {
                for number in 0..<elements / 2 { try await sender.send(number) }
            }
        }
        group.addTask {
            var sum = 0
            for _ in 0..<elements / 2 * 2 {
                try await select {
                    left.receiver.on { sum &+= $0! }
                    right.receiver.on { sum &+= $0! }
                }
            }
            check(sum, elements / 2, 2)
        }
        try await group.waitForAll()
    }
}

/// As `stream` with one producer, received by `for try await`.
func iterate(_ elements: Int) async throws {
    let (sender, receiver) = Channel<Int>(.buffer(64)).halves
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            for number in 0..<elements { try await sender.send(number) }
            sender.close()
        }
        group.addTask {
            var sum = 0
            for try await number in receiver { sum &+= number }
            check(sum, elements, 1)
        }
        try await group.waitForAll()
    }
}

/// Sent one by one, received many at once.
func batch(_ elements: Int) async throws {
    let (sender, receiver) = Channel<Int>(.buffer(1_024)).halves
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            for number in 0..<elements { try await sender.send(number) }
            sender.close()
        }
        group.addTask {
            var sum = 0
            var numbers: [Int] = []
            while try await receiver.receive(upTo: 1_024, into: &numbers) > 0 {
                for number in numbers { sum &+= number }
                numbers.removeAll(keepingCapacity: true)
            }
            check(sum, elements, 1)
        }
        try await group.waitForAll()
    }
}

/// An element is one round trip.
func pingPong(_ elements: Int) async throws {
    let there = Channel<Int>(.rendezvous)
    let back = Channel<Int>(.rendezvous)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            for number in 0..<elements {
                try await there.sender.send(number)
                _ = try await back.receiver.receive()
            }
        }
        group.addTask {
            for _ in 0..<elements { try await back.sender.send(there.receiver.receive()!) }
        }
        try await group.waitForAll()
    }
}

/// One task sends and receives in turn.
func uncontended(_ elements: Int) async throws {
    let (sender, receiver) = Channel<Int>(.buffer(64)).halves
    var sum = 0
    for number in 0..<elements {
        try await sender.send(number)
        sum &+= try await receiver.receive()!
    }
    check(sum, elements, 1)
}

func check(_ sum: Int, _ elements: Int, _ producers: Int) {
    precondition(sum == elements * (elements - 1) / 2 * producers, "elements were lost or doubled")
}

func report(_ workload: Workload, _ elapsed: Duration, as name: String) {
    let nanoseconds = Double(elapsed.components.seconds) * 1e9 + Double(elapsed.components.attoseconds) / 1e9
    print(name, nanoseconds / Double(workload.elements))
}

/// Measures on the default executor, or with `loop` on one thread.
func measure(_ workload: Workload, loop: Bool) async throws {
    let clock = ContinuousClock()
    try await workload.body(workload.elements / 20)
    let elapsed = try await clock.measure { try await workload.body(workload.elements) }
    report(workload, elapsed, as: loop ? workload.name + "-loop" : workload.name)
}

let names = CommandLine.arguments.dropFirst()
let isPinned = names.first == "--loop"
let chosen = workloads.filter { workload in names.drop { $0.hasPrefix("--") }.isEmpty || names.contains(workload.name) }
if isPinned {
    let executor = LoopExecutor()
    let isDone = Atomic(false)
    let done = { isDone.load(ordering: .acquiring) }
    Task(executorPreference: executor) {
        for workload in chosen { try await measure(workload, loop: true) }
        isDone.store(true, ordering: .releasing)
    }
    executor.run(until: done)
} else {
    for workload in chosen { try await measure(workload, loop: false) }
}
