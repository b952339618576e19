public import SkerryMerge

/// Names in a work tree that a history leaves alone.
///
/// A line is a pattern, in which `*` stands for any bytes and `?` for one, neither for a slash. Without a slash inside it fits a name at any depth,
/// else a path from the root. A slash at its end makes it fit directories alone. Lines that are empty or begin with `#` mean nothing; there is no
/// negation.
public struct IgnoreRules: Sendable, Hashable {
    private struct Pattern: Sendable, Hashable {
        var parts: [[UInt8]]
        var isAnchored: Bool
        var directoriesOnly: Bool
    }

    private var patterns: [Pattern] = []

    /// Always left alone, wherever they stand: the history itself and other tools' histories.
    public static let always: [String] = [".skerry-history", ".git"]
    /// The same as a history refuses them from a peer (``History/reservedNames``).
    public static var reservedNames: Set<[UInt8]> { Set(always.map { Array($0.utf8) }) }
    /// Where the patterns of a work tree stand, one a line.
    public static let fileName = ".skerryignore"
    /// Longest pattern that is read: 4 KiB.
    static let patternMaximum = 4096

    public init(_ text: [UInt8] = []) {
        for line in text.split(separator: 0x0A) {
            var line = line[...]
            while let last = line.last, last == 0x20 || last == 0x0D || last == 0x09 { line.removeLast() }
            guard let first = line.first, first != UInt8(ascii: "#"), line.count <= Self.patternMaximum else { continue }
            let directoriesOnly = line.last == 0x2F
            if directoriesOnly { line.removeLast() }
            let isAnchored = line.contains(0x2F)
            let parts = line.split(separator: 0x2F).map(Array.init)
            if !parts.isEmpty { patterns.append(Pattern(parts: parts, isAnchored: isAnchored, directoriesOnly: directoriesOnly)) }
        }
    }

    func ignores(_ names: [[UInt8]], isDirectory: Bool) -> Bool {
        guard let name = names.last else { return false }
        if Self.always.contains(where: { Array($0.utf8) == name }) { return true }
        return patterns.contains { pattern in
            guard isDirectory || !pattern.directoriesOnly else { return false }
            guard pattern.isAnchored else { return Self.fits(pattern.parts[0], name) }
            return pattern.parts.count == names.count && zip(pattern.parts, names).allSatisfy(Self.fits)
        }
    }

    /// Whether a name may stand in a commit that is checked out: a peer must not reach into the history itself.
    public static func isReserved(_ path: FilePath) -> Bool { path.names.contains { name in always.contains { Array($0.utf8) == name } } }

    /// One name against one pattern, with one step back for the last star: O(n m) at worst.
    private static func fits(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var at = 0, star: Int?, mark = 0, position = 0
        while position < name.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = at
                mark = position
                at += 1
            } else if at < pattern.count, pattern[at] == UInt8(ascii: "?") || pattern[at] == name[position] {
                at += 1
                position += 1
            } else if let last = star {
                mark += 1
                position = mark
                at = last + 1
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
