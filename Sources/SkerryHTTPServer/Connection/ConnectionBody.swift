internal import NIOCore
internal import SkerryHTTP

/// The body of a request on a connection.
///
/// May be asked from any executor; a call from elsewhere hops to the connection's event loop. One reader at a time.
/// After the reply was returned it has nothing more to give and throws ``HTTPBodyError/truncated``.
final class ConnectionBody: HTTPRequestBody {
    let length: UInt64?

    private let connection: ConnectionHandler
    private let exchange: Int

    init(length: UInt64?, connection: ConnectionHandler, exchange: Int) {
        self.length = length
        self.connection = connection
        self.exchange = exchange
    }

    func next() async throws(HTTPBodyError) -> ArraySlice<UInt8>? {
        let connection = connection
        let exchange = exchange
        if connection.eventLoop.inEventLoop, let ready = connection.readyPiece(of: exchange) {
            return try ready.get()
        }
        let result = await withUnsafeContinuation { (waiter: UnsafeContinuation<ConnectionHandler.PieceResult, Never>) in
            if connection.eventLoop.inEventLoop {
                connection.awaitPiece(of: exchange, waiter)
            } else {
                connection.eventLoop.execute { connection.awaitPiece(of: exchange, waiter) }
            }
        }
        return try result.get()
    }
}
