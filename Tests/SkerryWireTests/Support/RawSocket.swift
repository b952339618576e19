import Dispatch
import Glibc

/// A blocking TCP socket of this machine that says exactly what a test tells it to. Every call runs on a thread of its own.
// @unchecked Sendable: a test uses one socket from one task at a time.
final class RawSocket: @unchecked Sendable {
    enum Failure: Error {
        case system(CInt)
        case timedOut
    }

    /// How the peer ended the connection.
    enum Ending: Equatable {
        case finished
        case reset
    }

    private let descriptor: CInt
    private var isClosed = false

    private init(_ descriptor: CInt) {
        self.descriptor = descriptor
        // A receive that gets nothing for so long fails the test instead of hanging it.
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    deinit { close() }

    static func connected(to port: Int) throws -> RawSocket {
        let socket = RawSocket(Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0))
        guard withAddress(port, { Glibc.connect(socket.descriptor, $0, $1) }) == 0 else { throw Failure.system(errno) }
        return socket
    }

    /// A socket that listens on a port the system chose.
    static func listening() throws -> (RawSocket, port: Int) {
        let socket = RawSocket(Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0))
        guard withAddress(0, { Glibc.bind(socket.descriptor, $0, $1) }) == 0, listen(socket.descriptor, 16) == 0 else {
            throw Failure.system(errno)
        }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.descriptor, $0, &size) }
        }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    func accept() async throws -> RawSocket {
        try await onThread {
            let accepted = Glibc.accept(self.descriptor, nil, nil)
            guard accepted >= 0 else { throw Failure.system(errno) }
            return RawSocket(accepted)
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        _ = Glibc.close(descriptor)
    }

    func finishSending() {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    func finishReceiving() {
        shutdown(descriptor, CInt(SHUT_RD))
    }

    /// Passes on what comes until it ends.
    func relay(to other: RawSocket) async throws {
        try await onThread {
            while true {
                var bytes: [UInt8] = []
                guard try self.fill(&bytes, 65_536) == nil else { return }
                guard Glibc.send(other.descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else { return }
            }
        }
    }

    func send(_ bytes: [UInt8]) async throws {
        try await onThread {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
                guard count > 0 else { throw Failure.system(errno) }
                sent += count
            }
        }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Exactly so many bytes, fewer when the connection ends before.
    func receive(_ count: Int) async throws -> [UInt8] {
        try await onThread {
            var bytes: [UInt8] = []
            while bytes.count < count, try self.fill(&bytes, count - bytes.count) == nil {}
            return bytes
        }
    }

    /// Up to and with an empty line.
    func receiveHead() async throws -> String {
        try await onThread {
            var bytes: [UInt8] = []
            while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8), try self.fill(&bytes, 1) == nil {}
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    func receiveToEnd() async throws -> (bytes: [UInt8], ending: Ending) {
        try await onThread {
            var bytes: [UInt8] = []
            while true {
                if let ending = try self.fill(&bytes, 65_536) { return (bytes, ending) }
            }
        }
    }

    /// Nil when bytes came.
    private func fill(_ bytes: inout [UInt8], _ maximum: Int) throws -> Ending? {
        var buffer = [UInt8](repeating: 0, count: maximum)
        let count = recv(descriptor, &buffer, maximum, 0)
        if count > 0 {
            bytes += buffer[..<count]
            return nil
        }
        if count == 0 { return .finished }
        if errno == EAGAIN { throw Failure.timedOut }
        return .reset
    }
}

/// Runs blocking code outside the threads that run tasks.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        blockingThreads.async { continuation.resume(with: Result { try body() }) }
    }
}

private let blockingThreads = DispatchQueue(label: "raw sockets", attributes: .concurrent)
