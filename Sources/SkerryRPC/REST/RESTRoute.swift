import HTTPTypes
import SkerryCodec
import SkerrySession

/// One method as an HTTP route.
struct RESTRoute: Sendable {
    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        /// `{name*}`: the rest of the path, slashes included.
        case rest(String)
    }

    let method: MethodDescriptor
    let verb: HTTPRequest.Method
    let segments: [Segment]
    private let reference: Reference

    init?(_ method: MethodDescriptor, _ reference: Reference, prefix: [String]) {
        guard let route = method.route, let verb = HTTPRequest.Method(rawValue: route.verb.rawValue) else { return nil }
        self.method = method
        self.reference = reference
        self.verb = verb
        segments = (prefix + RESTPath.segments(route.path)).map { text in
            guard text.hasPrefix("{"), text.hasSuffix("}") else { return .literal(text) }
            let name = text.dropFirst().dropLast()
            return name.hasSuffix("*") ? .rest(String(name.dropLast())) : .parameter(String(name))
        }
    }

    /// How specific the route is.
    var literals: Int {
        segments.count { if case .literal = $0 { true } else { false } }
    }

    /// Whether a parameter is the sending end of a channel.
    var streams: Bool {
        method.parameters.contains { if case .reference(.sender) = $0.shape { true } else { false } }
    }

    /// The values of the path's parameters, nil when the path is another.
    func match(_ path: [String]) -> [String: String]? {
        var captures: [String: String] = [:]
        var index = 0
        for segment in segments {
            switch segment {
            case .rest(let name):
                captures[name] = path[min(index, path.count)...].joined(separator: "/")
                return index < path.count ? captures : nil
            case .literal(let text):
                guard index < path.count, path[index] == text else { return nil }
            case .parameter(let name):
                guard index < path.count, !path[index].isEmpty else { return nil }
                captures[name] = path[index]
            }
            index += 1
        }
        return index == path.count ? captures : nil
    }

    /// The arguments as one JSON object: from the path and the query, then whatever the body adds.
    ///
    /// The typed reader finds what is missing, wrong or there twice.
    func arguments(captures: [String: String], query: [(key: String, value: String)], body: [UInt8]) throws(RESTFailure) -> [UInt8] {
        var members: [[UInt8]] = []
        for parameter in method.parameters {
            let texts = captures[parameter.key].map { [$0] } ?? query.filter { $0.key == parameter.key }.map(\.value)
            guard let value = try RESTValue.json(texts, parameter) else { continue }
            members.append(RESTValue.string(parameter.key) + [UInt8(ascii: ":")] + value)
        }
        let inner = Array(members.joined(separator: [UInt8(ascii: ",")]))
        let start = body.firstIndex { !RESTValue.isSpace($0) }
        guard let start else { return [UInt8(ascii: "{")] + inner + [UInt8(ascii: "}")] }
        guard body[start] == UInt8(ascii: "{") else {
            throw RESTFailure(.badRequest, "badArgument", "the body is not a JSON object of parameters")
        }
        let rest = body[(start + 1)...]
        let isEmpty = rest.first { !RESTValue.isSpace($0) } == UInt8(ascii: "}")
        return [UInt8(ascii: "{")] + inner + (inner.isEmpty || isEmpty ? [] : [UInt8(ascii: ",")]) + rest
    }

    /// Calls the method with a JSON object of arguments.
    func perform(_ arguments: [UInt8], references: [any AnyObject & Sendable]) async throws -> ServicePayload {
        let payload = ServicePayload(format: .json, bytes: arguments, references: references)
        let invocation = Invocation(
            method: method.name, digest: method.digest.rawValue, options: method.options, payload: payload,
            requestID: method.options.contains(.durable) ? .random() : nil)
        return try await reference.target.perform(invocation)
    }
}

/// Texts of paths and queries as JSON, by what the parameter takes.
enum RESTValue {
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    static func string(_ text: String) -> [UInt8] { (try? JSON.encode(text)) ?? [] }

    /// Nil when there is no text for the parameter.
    static func json(_ texts: [String], _ parameter: Field) throws(RESTFailure) -> [UInt8]? {
        let shape = plain(parameter.shape)
        if case .reference(.sender) = shape { return try? JSON.encode(Value.reference(0)) }
        if case .list(let element) = shape {
            guard !texts.isEmpty else { return nil }
            var items: [[UInt8]] = []
            for text in texts { items.append(try json(text, plain(element), parameter)) }
            return [UInt8(ascii: "[")] + items.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
        }
        guard let text = texts.first else { return nil }
        guard texts.count == 1 else { throw bad(parameter, "stands there \(texts.count) times") }
        return try json(text, shape, parameter)
    }

    private static func json(_ text: String, _ shape: Shape, _ parameter: Field) throws(RESTFailure) -> [UInt8] {
        switch shape {
        case .integer:
            guard let number = Int64(text).map(String.init) ?? UInt64(text).map(String.init) else {
                throw bad(parameter, "is not a whole number")
            }
            return Array(number.utf8)
        case .float, .double:
            guard let number = Double(text), number.isFinite, let bytes = try? JSON.encode(number) else {
                throw bad(parameter, "is not a number")
            }
            return bytes
        case .bool:
            guard text == "true" || text == "false" else { throw bad(parameter, "is neither true nor false") }
            return Array(text.utf8)
        case .record, .map, .value:
            // Read here, so that no text can break out of its place.
            guard let value = try? JSON.decode(PlainValue.self, from: text), let bytes = try? JSON.encode(value) else {
                throw bad(parameter, "is not JSON")
            }
            return bytes
        default:
            return string(text)
        }
    }

    /// What an option holds and an alias stands for.
    private static func plain(_ shape: Shape) -> Shape {
        switch shape {
        case .option(let wrapped): plain(wrapped)
        case .alias(let alias): plain(alias.carrier)
        case .set(let element): .list(element)
        default: shape
        }
    }

    private static func bad(_ parameter: Field, _ message: String) -> RESTFailure {
        RESTFailure(.badRequest, "badArgument", "\(parameter.key) \(message)", path: parameter.key)
    }
}
