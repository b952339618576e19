// Keys on a ring of processes, without a leader.
//
//     ring-example --listen 127.0.0.1:7001 --http 127.0.0.1:8001 --data /tmp/one
//     ring-example --listen 127.0.0.1:7002 --http 127.0.0.1:8002 --data /tmp/two --join 127.0.0.1:7001
//     curl -X PUT -d milk http://127.0.0.1:8001/keys/list
//     curl -i http://127.0.0.1:8002/keys/list

import Logging
import SkerryHTTPServer
import SkerryWire

do {
    let arguments = try Arguments(CommandLine.arguments.dropFirst())
    let cluster = try await Cluster.start(arguments)
    let server = HTTPServer(
        configuration: HTTPServerConfiguration(host: arguments.http.host, port: arguments.http.port),
        service: KeyService(cluster: cluster), logger: Logger(label: "ring", factory: { _ in SwiftLogNoOpLogHandler() }))
    say("ring: http://\(try await server.start())/")
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        group.addTask { try await cluster.run() }
        try await group.next()
        group.cancelAll()
    }
} catch let error as UsageError {
    complain("ring: \(error.message)\n\n\(Arguments.usage)")
    leave(2)
} catch {
    complain("ring: \(error)")
    leave(1)
}
