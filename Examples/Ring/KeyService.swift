import HTTPTypes
import SkerryCRDT
import SkerryGossip
import SkerryHTTP
import SkerryReplication

/// The keys over HTTP.
///
///     GET    /keys/KEY            the values, one a line, and the header Context
///     PUT    /keys/KEY            the body is the value; it replaces what the header Context covers
///     DELETE /keys/KEY            the same, without a value
///     GET    /local/KEY           what this process alone keeps
///     GET    /status              members and counters
struct KeyService: HTTPService {
    let cluster: Cluster

    private static let context = HTTPField.Name("Context")!

    func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        let parts = (request.path ?? "").split(separator: "/", maxSplits: 1).map(String.init)
        do {
            switch (request.method, parts.first, parts.count) {
            case (.get, "status", 1): return reply(.ok, try await status())
            case (.get, "local", 2): return reply(try await cluster.node.localCopy(of: Array(parts[1].utf8)))
            case (.get, "keys", 2): return reply(try await cluster.node.read(Array(parts[1].utf8)))
            case (.put, "keys", 2):
                guard let value = try await body.collect(upTo: PlacementLimits.valueBytesMaximum) else {
                    return reply(.contentTooLarge, "a value has at most \(PlacementLimits.valueBytesMaximum) bytes\n")
                }
                return try await write(parts[1], value, request)
            case (.delete, "keys", 2): return try await write(parts[1], nil, request)
            default: return reply(.notFound, "GET, PUT or DELETE /keys/KEY, GET /local/KEY, GET /status\n")
            }
        } catch let error as PlacementError {
            let isClients = error.code == .tooLarge || error.code == .tooManySiblings
            return reply(isClients ? .badRequest : .serviceUnavailable, "\(error)\n")
        } catch {
            return reply(.badRequest, "\(error)\n")
        }
    }

    private func write(_ key: String, _ value: [UInt8]?, _ request: HTTPRequest) async throws -> HTTPReply {
        guard let seen = Self.context(request.headerFields[Self.context] ?? "") else {
            return reply(.badRequest, "the header Context is not one that a read gave\n")
        }
        return reply(try await cluster.node.write(Array(key.utf8), value, replacing: seen))
    }

    // MARK: Replies

    /// The values one a line, which suits an example: values with line breaks look like several.
    private func reply(_ copy: Siblings) -> HTTPReply {
        let body = Array(copy.values.map { $0 + [0x0A] }.joined())
        var head = HTTPResponse(status: copy.values.count > 1 ? .multipleChoices : copy.isEmpty ? .notFound : .ok)
        head.headerFields[Self.context] = Self.text(copy.context)
        return HTTPReply(head, .bytes(body))
    }

    private func reply(_ status: HTTPResponse.Status, _ text: String) -> HTTPReply {
        HTTPReply(HTTPResponse(status: status), .bytes(Array(text.utf8)))
    }

    private func status() async throws -> String {
        let (statistics, hints) = (try await cluster.node.statistics(), try await cluster.node.hintCount())
        var lines = ["member \(cluster.node.id)"]
        for (node, isAway) in cluster.members where node.member != cluster.node.id {
            lines.append("peer \(node.member) \(isAway ? "away" : "here")")
        }
        lines += [
            "hints \(hints)", "hints-kept \(statistics.hintsKept)", "hints-delivered \(statistics.hintsDelivered)",
            "repairs \(statistics.repairs)", "comparisons \(statistics.comparisons)", "copies-compared \(statistics.copiesTransferred)",
            "settled \(try await cluster.node.isSettled())",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: Contexts

    /// `origin:sequence` in hexadecimal and decimal, with commas between.
    private static func text(_ context: CausalContext) -> String {
        context.dots.map { "\(String($0.origin.rawValue, radix: 16)):\($0.sequence)" }.joined(separator: ",")
    }

    private static func context(_ text: String) -> CausalContext? {
        var dots: [Dot] = []
        for part in text.split(separator: ",") {
            let words = part.split(separator: ":")
            guard words.count == 2, let origin = UInt64(words[0], radix: 16), let sequence = UInt64(words[1]),
                sequence > 0, sequence < PlacementLimits.sequenceLimit
            else { return nil }
            dots.append(Dot(origin: OriginID(rawValue: origin), sequence: sequence))
        }
        return CausalContext(covering: dots)
    }
}
