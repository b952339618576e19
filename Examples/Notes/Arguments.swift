/// What is wrong with a call.
struct UsageError: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

/// The words of a command line, taken one by one.
struct Arguments {
    private var words: [String]

    init(_ words: some Sequence<String>) { self.words = Array(words) }

    /// The value behind an option, wherever it stands before a lone `--`; nil when it is not there.
    mutating func option(_ name: String) throws -> String? {
        let end = words.firstIndex(of: "--") ?? words.count
        guard let index = words[..<end].firstIndex(of: name) else { return nil }
        guard index + 1 < end else { throw UsageError("\(name) needs a value") }
        let value = words[index + 1]
        words.removeSubrange(index...index + 1)
        return value
    }

    mutating func next(_ what: String) throws -> String {
        guard !words.isEmpty else { throw UsageError("\(what) is missing") }
        return words.removeFirst()
    }

    mutating func nextIfAny() -> String? { words.isEmpty ? nil : words.removeFirst() }

    /// All that is left, without a `--` at its beginning.
    mutating func rest() -> [String] {
        if words.first == "--" { words.removeFirst() }
        defer { words = [] }
        return words
    }

    func finish() throws {
        if let word = words.first { throw UsageError("\(word) is one word too many") }
    }
}
