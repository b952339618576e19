import HTTPTypes
import SkerryCodec

extension RESTService {
    /// The routes as an OpenAPI 3.1 document, in JSON; also answered at `GET /_openapi`.
    public var openAPI: [UInt8] { (try? JSON.encode(PlainValue(document))) ?? [] }

    /// The routes for people: verb, path and method, a line each.
    public var routeList: [String] { routes.map { "\($0.verb.rawValue) \($0.template) -> \($0.method.service.name).\($0.method.name)" } }

    private var document: Value {
        var paths: [(String, [(String, Value)])] = []
        for route in routes {
            let entry = (route.verb.rawValue.lowercased(), route.operation)
            if let index = paths.firstIndex(where: { $0.0 == route.template }) {
                paths[index].1.append(entry)
            } else {
                paths.append((route.template, [entry]))
            }
        }
        return .record([
            ("openapi", "3.1.0"),
            ("info", .record([("title", .string(titles)), ("version", "1")])),
            ("paths", .record(paths.map { ($0.0, .record($0.1)) })),
        ])
    }

    private var titles: String {
        var names: [String] = []
        for route in routes where !names.contains(route.method.service.name) { names.append(route.method.service.name) }
        return names.joined(separator: ", ")
    }
}

extension RESTRoute {
    /// The path with its parameters in braces.
    var template: String {
        "/"
            + segments.map {
                switch $0 {
                case .literal(let text): text
                case .parameter(let name), .rest(let name): "{\(name)}"
                }
            }.joined(separator: "/")
    }

    fileprivate var operation: Value {
        let inPath = Set(
            segments.compactMap { segment -> String? in
                switch segment {
                case .literal: nil
                case .parameter(let name), .rest(let name): name
                }
            })
        let takesBody = verb != .get && verb != .delete
        var parameters: [Value] = []
        var body: [(String, Value)] = []
        for field in method.parameters {
            if case .reference(.sender) = field.shape { continue }
            if !inPath.contains(field.key), takesBody {
                body.append((field.key, field.shape.jsonSchema()))
                continue
            }
            parameters.append(
                .record([
                    ("name", .string(field.key)), ("in", inPath.contains(field.key) ? "path" : "query"),
                    ("required", .bool(inPath.contains(field.key) || !field.isOptional)), ("schema", field.shape.jsonSchema()),
                ]))
        }
        var operation: [(String, Value)] = [
            ("operationId", .string("\(method.service.name).\(method.name)")), ("description", .string(method.documentation)),
            ("parameters", .list(parameters)),
        ]
        if !body.isEmpty {
            operation.append(("requestBody", .content("application/json", .record([("type", "object"), ("properties", .record(body))]))))
        }
        operation.append(("responses", .record([("200", result)])))
        return .record(operation)
    }

    private var result: Value {
        for field in method.parameters {
            if case .reference(.sender(let element)) = field.shape { return .content("text/event-stream", element.jsonSchema()) }
        }
        return .content("application/json", method.result.jsonSchema())
    }
}

extension Value {
    fileprivate static func record(_ members: [(String, Value)]) -> Value { .map(members.map { Entry(.string($0.0), $0.1) }) }

    fileprivate static func content(_ type: String, _ schema: Value) -> Value {
        .record([("description", ""), ("content", .record([(type, .record([("schema", schema)]))]))])
    }
}
