import Dispatch
import Glibc

/// A blocking HTTP/1.1 client that says exactly what a test tells it to, byte by byte.
///
/// Every call runs on a thread of its own, so a waiting client never takes a thread from the code under test.
/// A receive that gets nothing for ``patience`` fails the test instead of hanging it.
// @unchecked Sendable: a test uses one client from one task at a time.
final class TestClient: @unchecked Sendable {
    static let patience = 30

    struct Reply: Equatable {
        var status: Int
        var fields: [(name: String, value: String)]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        func values(_ name: String) -> [String] {
            fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        }
        subscript(name: String) -> String? { values(name).first }

        static func == (left: Reply, right: Reply) -> Bool {
            left.status == right.status && left.body == right.body
        }
    }

    /// How the server ended the connection.
    enum Ending: Equatable {
        case finished
        case reset
    }

    enum Failure: Error {
        case connect(CInt)
        case send(CInt)
        case timedOut
        case endedEarly([UInt8])
        case notHTTP(String)
    }

    let descriptor: CInt
    private var received: [UInt8] = []
    private var isClosed = false

    init(port: Int, sendBuffer: CInt? = nil, receiveBuffer: CInt? = nil) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        if var size = sendBuffer { setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4) }
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure.connect(errno) }
    }

    deinit {
        close()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        _ = Glibc.close(descriptor)
    }

    /// Ends the sending half only.
    func finishSending() {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    // MARK: Sending

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await onThread { try self.sendBlocking(bytes) }
    }

    private func sendBlocking(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure.send(errno) }
            sent += count
        }
    }

    /// Sends until the socket takes no more, and returns how many bytes it took.
    func sendUntilFull(limit: Int) async -> Int {
        let piece = [UInt8](repeating: 0x61, count: 64 * 1024)
        return await onThread {
            var sent = 0
            while sent < limit {
                let count = Glibc.send(self.descriptor, piece, piece.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
                if count > 0 {
                    sent += count
                    continue
                }
                // Full for half a second is full: only the end of the loop hangs on this time.
                var waiting = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                if poll(&waiting, 1, 500) <= 0 { break }
            }
            return sent
        }
    }

    // MARK: Receiving

    /// The next reply, framed as its head says. `isHead`: the answer to HEAD, which has no body.
    func receive(isHead: Bool = false) async throws -> Reply {
        try await onThread { try self.receiveBlocking(isHead: isHead) }
    }

    func request(_ text: String, isHead: Bool = false) async throws -> Reply {
        try await send(text)
        return try await receive(isHead: isHead)
    }

    /// Everything until the connection ends.
    func receiveToEnd() async throws -> (bytes: [UInt8], ending: Ending) {
        try await onThread {
            while true {
                switch try self.fill() {
                case nil: continue
                case let ending?:
                    let bytes = self.received
                    self.received = []
                    return (bytes, ending)
                }
            }
        }
    }

    /// Nil when bytes came.
    private func fill() throws -> Ending? {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 {
            received.append(contentsOf: buffer[..<count])
            return nil
        }
        if count == 0 { return .finished }
        if errno == EAGAIN { throw Failure.timedOut }
        return .reset
    }

    private func more() throws {
        if try fill() != nil { throw Failure.endedEarly(received) }
    }

    private func line() throws -> String {
        while true {
            if let end = received.indices.first(where: { $0 > 0 && received[$0] == 10 && received[$0 - 1] == 13 }) {
                let text = String(decoding: received[..<(end - 1)], as: UTF8.self)
                received.removeFirst(end + 1)
                return text
            }
            try more()
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while received.count < count { try more() }
        let bytes = Array(received[..<count])
        received.removeFirst(count)
        return bytes
    }

    private func receiveBlocking(isHead: Bool) throws -> Reply {
        let status = try line().split(separator: " ", maxSplits: 2)
        guard status.count >= 2, let code = Int(status[1]) else { throw Failure.notHTTP(status.joined(separator: " ")) }
        var reply = Reply(status: code, fields: [], body: [])
        while true {
            let field = try line()
            if field.isEmpty { break }
            guard let colon = field.firstIndex(of: ":") else { throw Failure.notHTTP(field) }
            reply.fields.append((String(field[..<colon]), String(field[field.index(after: colon)...].drop { $0 == " " })))
        }
        if isHead || code < 200 || code == 204 || code == 304 { return reply }
        if reply["Transfer-Encoding"] == "chunked" {
            while true {
                let text = try line()
                guard let size = Int(text, radix: 16) else { throw Failure.notHTTP(text) }
                reply.body += try take(size)
                _ = try line()
                if size == 0 { break }
            }
        } else if let length = reply["Content-Length"].flatMap({ Int($0) }) {
            reply.body = try take(length)
        } else {
            while try fill() == nil {}
            reply.body = received
            received = []
        }
        return reply
    }
}

/// Runs blocking code outside the threads that run tasks.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        blockingThreads.async { continuation.resume(with: Result { try body() }) }
    }
}

func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        blockingThreads.async { continuation.resume(returning: body()) }
    }
}

private let blockingThreads = DispatchQueue(label: "test clients", attributes: .concurrent)
