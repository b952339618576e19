// Unary echo of 16 bytes over one loopback connection with 64 calls in flight, client and server in one process: the peer of
// `bench-calls`. Prints `grpc-64 VALUE calls/s`. Argument: number of measured calls (20,000).

import GRPCCore
import GRPCNIOTransportHTTP2Posix

struct RawBytes: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] { bytes.withUnsafeBytes { [UInt8]($0) } }
}

let echo = MethodDescriptor(fullyQualifiedService: "bench.Echo", method: "Echo")

struct EchoService: RegistrableRPCService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(forMethod: echo, deserializer: RawBytes(), serializer: RawBytes()) { request, _ in
            let single = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: single.message))
        }
    }
}

func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>, calls: Int, inFlight: Int) async throws {
    let payload = [UInt8](repeating: 7, count: 16)
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<inFlight {
            group.addTask {
                for _ in 0..<(calls / inFlight) {
                    let answer = try await client.unary(
                        request: ClientRequest(message: payload), descriptor: echo, serializer: RawBytes(), deserializer: RawBytes(),
                        options: .defaults
                    ) { try $0.message }
                    precondition(answer == payload)
                }
            }
        }
        try await group.waitForAll()
    }
}

let calls = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 20_000
let server = GRPCServer(
    transport: .http2NIOPosix(address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext), services: [EchoService()])

try await withThrowingDiscardingTaskGroup { group in
    group.addTask { try await server.serve() }
    guard let port = try await server.listeningAddress?.ipv4?.port else { preconditionFailure("no port") }
    let client = GRPCClient(
        transport: try .http2NIOPosix(target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext))
    group.addTask { try await client.runConnections() }
    try await run(client, calls: calls / 10, inFlight: 64)
    let clock = ContinuousClock()
    let elapsed = try await clock.measure { try await run(client, calls: calls, inFlight: 64) }
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    print("grpc-64 \(Int(Double(calls / 64 * 64) / seconds)) calls/s")
    client.beginGracefulShutdown()
    server.beginGracefulShutdown()
}
