import NIOCore
import NIOHTTP1
import NIOPosix
import SkerryCodec

/// Calls an admin port over HTTP/1.1, a connection for each call.
struct AdminClient: AdminTransport {
    /// Seconds to wait for the connection.
    static let connectTimeout: TimeAmount = .seconds(5)

    let address: ListenAddress
    let token: AdminToken

    func send(_ call: AdminCall, _ arguments: Value, each: @Sendable (Value) -> Void) async throws(AdminError) -> Value {
        let connection = try await connect()
        do {
            return try await connection.executeThenClose { parts, sender in
                // A server that refuses may close before it took all; what it answered is the error to tell.
                let failure = await sendingFailure(call, arguments, by: sender)
                do {
                    return try await receive(parts, each)
                } catch {
                    throw error is AdminError ? error : failure ?? error
                }
            }
        } catch let error as AdminError {
            throw error
        } catch {
            throw AdminError(.unreachable, "the admin port \(address) broke off: \(error)")
        }
    }

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func connect() async throws(AdminError) -> Connection {
        do {
            return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(AdminClient.connectTimeout)
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw AdminError(.unreachable, "nobody answers at the admin port \(address)")
        }
    }

    private func send(_ call: AdminCall, _ arguments: Value, by sender: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>)
        async throws
    {
        let body = ByteBuffer(bytes: arguments.line)
        let fields: HTTPHeaders = [
            "Host": address.description, "Authorization": "Bearer \(token.text)", "Content-Type": "application/json",
            "Content-Length": "\(body.readableBytes)", "Connection": "close",
        ]
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: call.path, headers: fields)
        try await sender.write(contentsOf: [.head(head), .body(.byteBuffer(body)), .end(nil)])
    }

    private func sendingFailure(
        _ call: AdminCall, _ arguments: Value, by sender: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) async -> (any Error)? {
        do {
            try await send(call, arguments, by: sender)
            return nil
        } catch {
            return error
        }
    }

    private func receive(
        _ parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, _ each: @Sendable (Value) -> Void
    ) async throws -> Value {
        var splitter = LineSplitter()
        var last: Value?
        for try await part in parts {
            switch part {
            case .head: continue
            case .body(let buffer):
                for line in try splitter.lines(buffer.readableBytesView) {
                    if let last { each(last) }
                    last = line
                }
            case .end:
                guard let last else { throw LineSplitter.foreign }
                return last
            }
        }
        throw AdminError(.unreachable, "the admin port \(address) broke off before the end of its answer")
    }
}
