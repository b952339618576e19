import SkerryMerge

/// Where peers are: the file `remotes` in the history's directory, a name and a place a line.
struct Remotes: Sendable, Hashable {
    private(set) var places: [String: String] = [:]

    static let fileName = "remotes"
    static let defaultName = "origin"

    init() {}

    init(encoded bytes: [UInt8]) {
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 1).map(String.init)
            if fields.count == 2 { places[fields[0]] = fields[1] }
        }
    }

    var encoded: [UInt8] {
        Array(places.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined().utf8)
    }

    mutating func set(_ name: String, to place: String?) throws(CommandFailure) {
        guard HistoryName.remote(name, branch: "x").isAllowed, !name.contains(" "), place?.contains("\n") != true else {
            throw CommandFailure("\"\(name)\" is not a name for a remote")
        }
        places[name] = place
    }
}
