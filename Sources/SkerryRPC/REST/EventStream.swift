import HTTPTypes
import SkerryCSP
import SkerryCodec
import SkerryHTTP
import SkerrySession

/// A method that sends into a channel, as a stream of server-sent events: `data:` and a JSON value for each element.
///
/// The method runs while its events are pulled, so a slow client holds it back through the channel. When the client goes, the
/// channel closes and the method's task is cancelled.
// `next` is called by one task at a time, the server's.
final class EventStream: Sendable {
    private let sink: EventSink
    private let call: Task<Void, any Error>

    private init(_ sink: EventSink, _ call: Task<Void, any Error>) {
        self.sink = sink
        self.call = call
    }

    deinit { call.cancel() }

    /// Starts the method and waits for its first element, so that what fails before has a status.
    static func open(_ route: RESTRoute, _ arguments: [UInt8], deadline: Duration) async throws(RESTFailure) -> HTTPReply {
        let sink = EventSink()
        let call = Task { [weak sink] in
            defer { sink?.callEnded() }
            // No deadline but the client's patience: streams are long.
            _ = try await route.perform(arguments, references: [sink].compactMap { $0 })
        }
        let stream = EventStream(sink, call)
        let first: [UInt8]?
        do {
            first = try await Call.with(deadline: deadline) { try await sink.first() }
            if first == nil { try await call.value }
        } catch {
            throw RESTFailure(error)
        }
        let pending = Locked(first)
        let fields: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        return HTTPReply(
            HTTPResponse(status: .ok, headerFields: fields),
            .stream(length: nil) {
                if let first = pending.withLock({ $0.take() }) { return .bytes(Self.event(first)) }
                return try await stream.sink.next().map { .bytes(Self.event($0)) }
            })
    }

    private static func event(_ json: [UInt8]) -> [UInt8] { Array("data: ".utf8) + json + Array("\n\n".utf8) }
}

/// The channel end a method with a route sends its events into. Gets its type when the method reads it.
// All mutable state is locked.
final class EventSink: ChannelEnd, @unchecked Sendable {
    /// Elements the method may be ahead of the client.
    private static let capacity = 16

    private struct State: Sendable {
        var next: (@Sendable () async throws -> [UInt8]?)?
        var isOver = false
        var waiter: UnsafeContinuation<Void, Never>?
    }

    private let state = Locked(State())

    override func sender<Element: Shaped>(of type: Element.Type) throws(ShapeError) -> Sender<Element> {
        let (sender, receiver) = Channel<Element>(.buffer(Self.capacity)).halves
        wake { state in
            state.next = {
                guard let element = try await receiver.receive() else { return nil }
                return try JSON.encode(element)
            }
        }
        return sender
    }

    /// The method has ended; when it never looked at its channel, nothing will come.
    func callEnded() { wake { $0.isOver = true } }

    private func wake(_ body: (inout State) -> Void) {
        let waiter = state.withLock { state in
            body(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// The first element, nil when there is none.
    func first() async throws -> [UInt8]? {
        await withUnsafeContinuation { continuation in
            let mustWait = state.withLock { state in
                guard state.next == nil, !state.isOver else { return false }
                state.waiter = continuation
                return true
            }
            if !mustWait { continuation.resume() }
        }
        return try await next()
    }

    /// The next element, nil at the end.
    func next() async throws -> [UInt8]? {
        guard let next = state.withLock({ $0.next }) else { return nil }
        return try await next()
    }
}
