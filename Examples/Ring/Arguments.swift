import SkerryGossip
import SkerryHTTPServer
import SkerryWire

/// What is wrong with a call.
struct UsageError: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

/// How a process of the ring was called.
struct Arguments {
    static let usage = """
        ring-example --listen HOST:PORT --http HOST:PORT --data DIR [--join HOST:PORT]... [OPTIONS]

          --listen HOST:PORT   where the other members reach this one
          --http HOST:PORT     where clients reach it
          --data DIR           its store: made when it is not there
          --join HOST:PORT     a member of the ring; none for the first
          --zone NAME          what fails together
          --copies N --read R --write W
                               homes of a key, and how many of them a read and a write need (3, 2, 2)
        """

    var listen = LinkAddress(host: "127.0.0.1", port: 0)
    var http = LinkAddress(host: "127.0.0.1", port: 0)
    var data = ""
    var join: [String] = []
    var zone = ""
    var quorum = QuorumRequest.Profile()

    init(_ words: some Sequence<String>) throws {
        var rest = Array(words)[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw UsageError("\(option) needs a value") }
            switch option {
            case "--listen": listen = try Self.address(value)
            case "--http": http = try Self.address(value)
            case "--data": data = value
            case "--join": join.append("\(try Self.address(value))")
            case "--zone": zone = value
            case "--copies": quorum.copies = try Self.number(value)
            case "--read": quorum.readQuorum = try Self.number(value)
            case "--write": quorum.writeQuorum = try Self.number(value)
            default: throw UsageError("there is no option \(option)")
            }
        }
        guard !data.isEmpty, listen.port > 0 else { throw UsageError("--data and --listen are needed, with a port that is not 0") }
        guard max(quorum.readQuorum, quorum.writeQuorum) <= quorum.copies else { throw UsageError("a quorum is larger than the copies") }
    }

    static func address(_ text: String) throws -> LinkAddress {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw UsageError("\(text) is not HOST:PORT")
        }
        let host = text[..<colon].filter { $0 != "[" && $0 != "]" }
        return LinkAddress(host: String(host), port: Int(port))
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text), (1...16).contains(number) else { throw UsageError("\(text) is not from 1 to 16") }
        return number
    }
}
