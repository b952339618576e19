/// A change that carries its content: it can be stored, sent, verified where it is applied, turned round and joined with the next.
///
/// ```swift
/// let patch = Patch(from: old, to: new)
/// try patch.applied(to: old) == new
/// try patch.inverted.applied(to: new) == old
/// ```
///
/// - Invariant: changes stand in order, at least one element apart, and each takes out or puts in something.
public struct Patch<Element: Equatable>: Equatable {
    /// One stretch that is replaced.
    public struct Change: Equatable {
        /// Where in the sequence as it was before the patch.
        public let position: Int
        /// What stands there.
        public let removed: [Element]
        /// What is to stand there.
        public let inserted: [Element]

        public init(position: Int, removed: [Element], inserted: [Element]) {
            self.position = position
            self.removed = removed
            self.inserted = inserted
        }

        var end: Int { position + removed.count }
    }

    public let changes: [Change]

    /// Takes changes that came from elsewhere.
    ///
    /// - Throws: ``PatchError`` with `malformed` unless positions are not negative and each change begins after the end of the one before it.
    public init(changes: [Change]) throws(PatchError) {
        var end = -1
        for (index, change) in changes.enumerated() {
            let (changeEnd, overflow) = change.position.addingReportingOverflow(change.removed.count)
            guard change.position > end, !overflow, !(change.removed.isEmpty && change.inserted.isEmpty) else {
                throw PatchError(.malformed, change: index, position: change.position)
            }
            end = changeEnd
        }
        self.changes = changes
    }

    init(unchecked changes: [Change]) { self.changes = changes }

    /// Whether nothing is changed.
    public var isEmpty: Bool { changes.isEmpty }

    /// The way back.
    public var inverted: Patch {
        var shift = 0
        return Patch(
            unchecked: changes.map { change in
                defer { shift += change.inserted.count - change.removed.count }
                return Change(position: change.position + shift, removed: change.inserted, inserted: change.removed)
            })
    }
}

extension Patch: Sendable where Element: Sendable {}
extension Patch.Change: Sendable where Element: Sendable {}
extension Patch: Hashable where Element: Hashable {}
extension Patch.Change: Hashable where Element: Hashable {}

extension Patch {
    /// The content that `diff` points at.
    ///
    /// - Precondition: `diff` is of these two collections.
    public init<Source: RandomAccessCollection, Target: RandomAccessCollection>(_ diff: Diff, from source: Source, to target: Target)
    where Source.Element == Element, Target.Element == Element {
        precondition(diff.sourceCount == source.count && diff.targetCount == target.count, "a diff of other sequences")
        self.init(
            unchecked: diff.hunks.map { hunk in
                Change(
                    position: hunk.source.lowerBound, removed: Array(Self.slice(source, hunk.source)),
                    inserted: Array(Self.slice(target, hunk.target)))
            })
    }

    private static func slice<Source: RandomAccessCollection>(_ source: Source, _ range: Range<Int>) -> Source.SubSequence {
        let start = source.index(source.startIndex, offsetBy: range.lowerBound)
        return source[start..<source.index(start, offsetBy: range.count)]
    }

    /// What turns `source` into `target`.
    public init<Source: RandomAccessCollection, Target: RandomAccessCollection>(
        from source: Source, to target: Target, options: DiffOptions = .standard
    ) where Element: Hashable, Source.Element == Element, Target.Element == Element {
        self.init(Diff(from: source, to: target, options: options), from: source, to: target)
    }

    /// The sequence with the changes made, if it is the one they were made for.
    ///
    /// - Throws: ``PatchError`` with `mismatch` where what stands in `source` is not what a change takes out; nothing is applied then.
    /// - Complexity: O(n).
    public func applied(to source: some RandomAccessCollection<Element>) throws(PatchError) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(max(0, source.count + changes.reduce(0) { $0 + $1.inserted.count - $1.removed.count }))
        var index = source.startIndex, position = 0
        for (number, change) in changes.enumerated() {
            guard change.end <= source.count else { throw PatchError(.mismatch, change: number, position: change.position) }
            let start = source.index(index, offsetBy: change.position - position)
            result.append(contentsOf: source[index..<start])
            index = source.index(start, offsetBy: change.removed.count)
            guard source[start..<index].elementsEqual(change.removed) else {
                throw PatchError(.mismatch, change: number, position: change.position)
            }
            result.append(contentsOf: change.inserted)
            position = change.end
        }
        result.append(contentsOf: source[index...])
        return result
    }
}

/// Why a patch cannot be used.
public struct PatchError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case malformed, mismatch }
        private let value: Value
        public var description: String { value.rawValue }

        /// The changes overlap, are out of order or empty: whoever made the patch must mend it.
        public static let malformed = Code(value: .malformed)
        /// The sequence is not the one the patch was made for: merge instead.
        public static let mismatch = Code(value: .mismatch)
    }

    public let code: Code
    /// Which change.
    public let change: Int
    /// Its position in the sequence before the patch.
    public let position: Int

    init(_ code: Code, change: Int, position: Int) {
        self.code = code
        self.change = change
        self.position = position
    }

    public var description: String { "\(code): change \(change) at \(position)" }
}
