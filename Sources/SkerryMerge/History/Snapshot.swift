/// Everything a commit holds: files by path.
public struct Snapshot: Sendable, Hashable {
    public var files: [FilePath: [UInt8]]

    public init(_ files: [FilePath: [UInt8]] = [:]) { self.files = files }

    /// - Returns: nil when a path is not allowed.
    public init?(texts: [String: String]) {
        self.init()
        for (path, text) in texts {
            guard let path = FilePath(path) else { return nil }
            files[path] = Array(text.utf8)
        }
    }

    public subscript(path: String) -> String? {
        FilePath(path).flatMap { files[$0] }.map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Where a file stands: names from the root.
public struct FilePath: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Deepest nesting: 100 names.
    public static var depthMaximum: Int { 100 }

    public let names: [[UInt8]]

    /// - Returns: nil unless there are 1 to 100 names, each of them allowed (``Tree/Entry/name``).
    public init?(names: [[UInt8]]) {
        guard (1...Self.depthMaximum).contains(names.count), names.allSatisfy(Tree.isAllowed) else { return nil }
        self.names = names
    }

    /// Names with slashes between them.
    public init?(_ text: String) {
        self.init(names: text.utf8.split(separator: 0x2F, omittingEmptySubsequences: false).map(Array.init))
    }

    public var description: String { names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/") }

    public static func < (left: FilePath, right: FilePath) -> Bool {
        left.names.lexicographicallyPrecedes(right.names) { $0.lexicographicallyPrecedes($1) }
    }
}
