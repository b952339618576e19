import SkerryMerge

/// What a work tree stands on: the file `head` in the history's directory (docs/formats/history.md, "Work tree").
struct WorkTreeHead: Sendable, Hashable {
    /// A merge that waits to be settled.
    struct Merge: Sendable, Hashable {
        var other: ObjectID
        /// How it was asked for.
        var name: String
        /// Files with conflicts.
        var conflicts: [FilePath]
        /// Whether every file is as the merge left it: not from before the first is written until after the last.
        var isLaidOut = true
    }

    /// The branch that commits go to; nil: none, a commit was checked out by itself.
    var branch: String?
    /// The commit the files were made from; nil before the first.
    var commit: ObjectID?
    var merge: Merge?
    /// Whether a commit of these files is being made: after a crash the branch tells whether it was.
    var isCommitting = false

    static let fileName = "head"
    private static let title = "skerry work tree 1"

    init(branch: String?, commit: ObjectID? = nil) {
        self.branch = branch
        self.commit = commit
    }

    var encoded: [UInt8] {
        var text = "\(Self.title)\n"
        if let branch { text += "branch \(branch)\n" }
        if let commit { text += "commit \(commit)\n" }
        if isCommitting { text += "committing unfinished\n" }
        if let merge {
            text += "merge \(merge.other) \(merge.name)\n"
            if !merge.isLaidOut { text += "files unfinished\n" }
            for path in merge.conflicts { text += "conflict \(Self.hex(path))\n" }
        }
        return Array(text.utf8)
    }

    /// - Returns: nil for what ``encoded`` does not give.
    init?(encoded bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let lines = text.split(separator: "\n")
        guard lines.first.map(String.init) == Self.title else { return nil }
        for line in lines.dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard fields.count == 2, read(fields[0], fields[1]) else { return nil }
        }
    }

    private mutating func read(_ kind: String, _ value: String) -> Bool {
        switch kind {
        case "branch" where HistoryName.branch(value).isAllowed: branch = value
        case "commit":
            guard let id = ObjectID(hex: value) else { return false }
            commit = id
        case "committing":
            guard value == "unfinished" else { return false }
            isCommitting = true
        case "merge":
            let fields = value.split(separator: " ", maxSplits: 1).map(String.init)
            guard fields.count == 2, let id = ObjectID(hex: fields[0]) else { return false }
            merge = Merge(other: id, name: fields[1], conflicts: [])
        case "files":
            guard merge != nil, value == "unfinished" else { return false }
            merge?.isLaidOut = false
        case "conflict":
            guard merge != nil, let path = Self.path(value) else { return false }
            merge?.conflicts.append(path)
        default: return false
        }
        return true
    }

    // Names may hold line feeds and any other byte.
    private static func hex(_ path: FilePath) -> String {
        path.names.map { name in name.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }.joined(separator: "/")
    }

    private static func path(_ text: String) -> FilePath? {
        var names: [[UInt8]] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false) {
            let digits = Array(part.utf8)
            guard digits.count.isMultiple(of: 2) else { return nil }
            var name: [UInt8] = []
            for index in stride(from: 0, to: digits.count, by: 2) {
                guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else { return nil }
                name.append(byte)
            }
            names.append(name)
        }
        return FilePath(names: names)
    }
}
