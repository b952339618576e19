internal import SkerryGossip
internal import SkerrySession
public import SkerryWire
internal import Synchronization

extension Replica {
    /// Replicates over a stream until it ends: `try await replica.replicate(over: stream)`.
    ///
    /// Cancelling the task ends the session politely. One stream's end touches no other.
    ///
    /// - Throws: ``ReplicaError`` when the session did not end by the will of either side.
    public func replicate(over stream: some DuplexStream, _ options: ReplicaOptions = ReplicaOptions()) async throws(ReplicaError) {
        try await start(over: stream, options).ended()
    }

    /// Replicates over a link until it ends.
    public func replicate(over link: any Link, _ options: ReplicaOptions = ReplicaOptions()) async throws(ReplicaError) {
        try await start(over: link, options).ended()
    }

    /// Begins to replicate over a stream, in tasks of its own that end with the session.
    @discardableResult
    public func start(over stream: some DuplexStream, _ options: ReplicaOptions = ReplicaOptions()) throws(ReplicaError) -> ReplicaSession {
        let session = try open(options)
        StreamCarrier(self, session, stream, options.direction).start(options.direction)
        return session
    }

    /// Begins to replicate over a link: a stream of bytes in its packets, which are numbered and sent again where it loses, doubles, reorders or damages them.
    ///
    /// Over such a link a session whose peer is gone ends as `disconnected` after ``silence``.
    ///
    /// A link cannot be held back. Both ways entries come under credit; one way they come as they are written, and a session whose store falls
    /// ``unsyncedMaximum`` bytes behind ends as `overloaded`. A ``DuplexStream`` is read only as fast as the store writes.
    ///
    /// - Throws: ``ReplicaError``; `invalid` also where packets may be lost and the options say that entries go one way, or a packet takes fewer than
    ///   ``packetMinimum`` bytes.
    @discardableResult
    public func start(over link: any Link, _ options: ReplicaOptions = ReplicaOptions()) throws(ReplicaError) -> ReplicaSession {
        let isLossy = link.traits.delivery == .lossy
        guard !isLossy || link.traits.packetMaximum >= Self.packetMinimum else {
            throw ReplicaError(.invalid, "packets of \(link.traits.packetMaximum) bytes, of which some may be lost")
        }
        let session = try open(options, isLossy: isLossy, gathers: true)
        let carrier = LinkCarrier(self, session.id.rawValue)
        link.start(carrier)
        session.carry(wake: { link.wake() }, shut: { isPolite in if isPolite { link.close() } else { link.cut() } })
        return session
    }

    /// Replicates with another replica of this process, directly: what is written to one is in the other when the call returns, as long as
    /// neither has an executor.
    @discardableResult
    public func start(with other: Replica, _ options: ReplicaOptions = ReplicaOptions()) throws(ReplicaError) -> ReplicaSession {
        let here = try open(options)
        let there: ReplicaSession
        do throws(ReplicaError) { there = try other.open(ReplicaOptions()) } catch {
            end(here.id.rawValue, error)
            throw error
        }
        let (out, back) = (DirectCarrier(self, here, to: other, there), DirectCarrier(other, there, to: self, here))
        there.carry(wake: { back.flush() }, shut: { _ in })
        here.carry(wake: { out.flush() }, shut: { _ in })
        return here
    }

    /// Another replica with the same content, in memory, replicating with this one.
    ///
    /// It is a node of its own, with an origin of its own: two that wrote as one would write two histories.
    ///
    /// - Parameter parts: empty parts of the kinds and names that are here.
    public func clone(_ parts: KeyValuePairs<String, any Replicated>) throws(ReplicaError) -> Replica {
        var configuration = configuration
        configuration.identity = nil
        configuration.cluster = identity.cluster
        configuration.executor = nil
        configuration.members?.start = .joins
        let clone = try Replica(parts, configuration: configuration)
        try clone.start(with: self)
        state.withLock { $0.statistics.clones += 1 }
        return clone
    }
}

// MARK: - Streams

/// Moves the bytes of a session over a stream: a task that reads and one that writes.
private final class StreamCarrier<Stream: DuplexStream>: Sendable {
    private let replica: Replica
    private let session: ReplicaSession
    private let stream: Stream
    private let bell = Bell()
    private let tasks = Mutex<[Task<Void, Never>]>([])
    private let writes: Bool

    /// Bytes of a write.
    private static var pieceSize: Int { 64 << 10 }

    init(_ replica: Replica, _ session: ReplicaSession, _ stream: Stream, _ direction: ReplicaOptions.Direction) {
        self.replica = replica
        self.session = session
        self.stream = stream
        writes = direction != .readOnly
    }

    private var id: UInt32 { session.id.rawValue }

    func start(_ direction: ReplicaOptions.Direction) {
        tasks.withLock { tasks in
            if direction != .writeOnly { tasks.append(Task { await self.read() }) }
            if direction != .readOnly { tasks.append(Task { await self.write() }) }
        }
        // The session goes before the tasks do: a stream that does not hear of cancellation cannot hold it up.
        session.carry(wake: { [bell] in bell.ring() }, shut: { [self] _ in stop() })
    }

    private func stop() {
        let tasks = tasks.withLock { $0 }
        for task in tasks { task.cancel() }
        bell.ring()
        guard writes else { return }
        // However it ended, the peer must see an end: behind the last write, which is the other task's.
        Task { [stream] in
            for task in tasks { await task.value }
            try? await stream.close()
        }
    }

    private func read() async {
        do throws(LinkError) {
            while true {
                let bytes = try await stream.read()
                guard !bytes.isEmpty else { return replica.inputEnded(id) }
                bytes.withUnsafeBytes { replica.received($0, at: id) }
                await replica.historyRoom(id)
            }
        } catch {
            replica.end(id, ReplicaError(.disconnected, "\(error)", link: error))
        }
    }

    private func write() async {
        do throws(LinkError) {
            while !Task.isCancelled {
                switch replica.output(of: id, atMost: Self.pieceSize) {
                case .bytes(let bytes): try await stream.write(bytes)
                case .nothingYet: await bell.wait()
                case .end:
                    try await stream.close()
                    return replica.end(id, nil)
                }
            }
        } catch {
            replica.end(id, ReplicaError(.disconnected, "\(error)", link: error))
        }
    }
}

extension Replica {
    /// The peer of a stream has said all it will: what waits for it is still written, then the session is over.
    fileprivate func inputEnded(_ id: UInt32) {
        let writes = state.withLock { state in
            guard let session = state.sessions[id] else { return false }
            return session.options.direction != .readOnly && !session.framing.isAmidMessage
        }
        if writes { close(id, nil) } else { end(id, nil, isEndOfInput: true) }
    }
}

/// Wakes one task that waits.
final class Bell: Sendable {
    private let state = Mutex((hasRung: false, waiter: CheckedContinuation<Void, Never>?.none))

    func ring() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            state.hasRung = state.waiter == nil
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns when it has rung since the last return.
    func wait() async {
        await withCheckedContinuation { continuation in
            let hasRung = state.withLock { state in
                defer { state.hasRung = false }
                if !state.hasRung { state.waiter = continuation }
                return state.hasRung
            }
            if hasRung { continuation.resume() }
        }
    }
}

// MARK: - Links

/// Moves the bytes of a session in the packets of a link.
private final class LinkCarrier: LinkDriver {
    private let replica: Replica
    private let id: UInt32
    private static let packetSize = 64 << 10

    init(_ replica: Replica, _ id: UInt32) {
        self.replica = replica
        self.id = id
    }

    func received(_ packet: UnsafeRawBufferPointer) { replica.received(packet, at: id) }

    func readCompleted() {}

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        switch replica.output(of: id, atMost: min(maximum, Self.packetSize)) {
        case .bytes(let bytes):
            packet.append(contentsOf: bytes)
            return true
        case .nothingYet: return false
        case .end:
            replica.end(id, nil)
            return false
        }
    }

    func linkClosed(_ error: LinkError?) {
        replica.end(id, error.map { ReplicaError(.disconnected, "\($0)", link: $0) }, isEndOfInput: error == nil)
    }
}

// MARK: - In memory

/// Hands the output of one session to another, on whatever thread made it.
private final class DirectCarrier: Sendable {
    private struct State: Sendable {
        var isFlushing = false
        var isDue = false
    }

    private let replica: Replica
    private let session: ReplicaSession
    private let peer: Replica
    private let peerSession: ReplicaSession
    private let state = Mutex(State())

    init(_ replica: Replica, _ session: ReplicaSession, to peer: Replica, _ peerSession: ReplicaSession) {
        self.replica = replica
        self.session = session
        self.peer = peer
        self.peerSession = peerSession
    }

    /// Hands over all there is. A call inside a call, or beside one, leaves it to that one.
    func flush() {
        let isFree = state.withLock { state in
            state.isDue = true
            defer { state.isFlushing = true }
            return !state.isFlushing
        }
        guard isFree else { return }
        while state.withLock({ state in
            defer { state.isDue = false }
            state.isFlushing = state.isDue
            return state.isDue
        }) {
            handOver()
        }
    }

    private func handOver() {
        while true {
            switch replica.output(of: session.id.rawValue, atMost: 1 << 20) {
            case .bytes(let bytes): bytes.withUnsafeBytes { peer.received($0, at: peerSession.id.rawValue) }
            case .nothingYet: return
            case .end:
                replica.end(session.id.rawValue, nil)
                return peer.end(peerSession.id.rawValue, nil)
            }
        }
    }
}
