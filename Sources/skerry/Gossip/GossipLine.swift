/// A line that a person or a program writes to `skerry gossip`.
enum GossipLine: Sendable, Hashable {
    case set(key: String, value: String)
    case unset(key: String)
    case get(key: String)
    case keys
    case members
    case digest
    case help
    case quit

    /// Why a line is none.
    struct Failure: Error, Sendable, Hashable {
        var message: String
    }

    /// Bytes of the longest key.
    static let keyMaximum = 255
    /// Bytes of the longest value.
    static let valueMaximum = 4_096
    /// Bytes of the longest line.
    static let lineMaximum = 8_192

    /// - Returns: nil for an empty line or one that begins with `#`.
    init?(_ text: String) throws(Failure) {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
        guard let verb = words.first, !verb.hasPrefix("#") else { return nil }
        switch (verb, words.count) {
        case ("set", 3): self = .set(key: try Self.key(words[1]), value: try Self.value(words[2]))
        case ("set", _): throw Failure(message: "set needs a key and a value: set KEY VALUE")
        case ("unset", 2): self = .unset(key: try Self.key(words[1]))
        case ("get", 2): self = .get(key: try Self.key(words[1]))
        case ("unset", _), ("get", _): throw Failure(message: "\(verb) needs one key: \(verb) KEY")
        case ("keys", 1): self = .keys
        case ("members", 1): self = .members
        case ("digest", 1): self = .digest
        case ("help", 1): self = .help
        case ("quit", 1), ("exit", 1): self = .quit
        case ("keys", _), ("members", _), ("digest", _), ("help", _), ("quit", _), ("exit", _):
            throw Failure(message: "\(verb) takes nothing behind it")
        default: throw Failure(message: "\"\(verb.prefix(32))\" is no command; try help")
        }
    }

    private static func key(_ text: Substring) throws(Failure) -> String {
        guard text.utf8.count <= keyMaximum else { throw Failure(message: "a key has at most \(keyMaximum) bytes") }
        return String(text)
    }

    private static func value(_ text: Substring) throws(Failure) -> String {
        guard text.utf8.count <= valueMaximum else { throw Failure(message: "a value has at most \(valueMaximum) bytes") }
        return String(text)
    }

    /// What `help` says.
    static let helpLines = [
        "set KEY VALUE   write a value on the board; it is on everybody's a moment later",
        "unset KEY       take it off",
        "get KEY         show one value",
        "keys            show all of them",
        "members         show the members",
        "digest          show what tells two boards apart: equal digests, equal boards",
        "quit            leave the cluster and end",
    ]
}
