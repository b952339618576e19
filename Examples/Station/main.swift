// A weather station: one Swift protocol, called from a browser over WebSocket, over HTTP as REST, and from Swift.
//
//     swift run station-example 8080
//     open http://127.0.0.1:8080/
//     curl -d '{"reading": {"place": "Bergen", "temperature": 11.5}}' http://127.0.0.1:8080/api/readings
//     curl http://127.0.0.1:8080/api/readings/Bergen
//     curl -N http://127.0.0.1:8080/api/watch

import Foundation
import Logging
import SkerryHTTPServer
import SkerryRPC
import SkerryWire

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
let station = StationService.reference(to: StationKeeper())

let registry = Registry(name: "station")
try registry.add("station", station)

let sessions = SessionServer(root: registry.facet)
let rest = RESTService(RESTService.Mount(StationService.self, station, at: "/api"))
let page = try PageService(before: rest)
let endpoint = WebSocketEndpoint(origins: .any) { link in sessions.accept(link) }

let server = HTTPServer(
    configuration: HTTPServerConfiguration(host: "127.0.0.1", port: port), service: endpoint.before(page), logger: Logger(label: "station"))
let address = try await server.start()
// Not print, which keeps the line back while standard output is a pipe.
FileHandle.standardOutput.write(Data("station: http://\(address)/\n".utf8))
try await server.run()
