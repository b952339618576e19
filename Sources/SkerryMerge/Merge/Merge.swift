/// The outcome of a three-way merge, as data: what is settled and what is not, in order.
///
/// ```swift
/// let merge = Merge(base: [1, 2, 3], ours: [1, 9, 2, 3], theirs: [1, 2, 3, 4])
/// merge.content                                   // [1, 9, 2, 3, 4]
/// ```
///
/// Laws: a side that did not change anything gives way entirely, two equal sides give themselves, and swapping the sides swaps the conflicts
/// and nothing else.
///
/// The algorithm is diff3 (Khanna, Kunal and Pierce, 2007) under ``MergeRules``.
public struct Merge<Element> {
    /// Who a settled stretch comes from.
    public enum Origin: Sendable, Hashable {
        /// Nobody changed it.
        case base
        case ours
        case theirs
        /// Both sides made the same change.
        case both
        /// Put together from both sides word by word.
        case words
    }

    /// What three sides say of one stretch.
    public struct Conflict {
        public let base: ArraySlice<Element>
        public let ours: ArraySlice<Element>
        public let theirs: ArraySlice<Element>

        public init(base: ArraySlice<Element>, ours: ArraySlice<Element>, theirs: ArraySlice<Element>) {
            self.base = base
            self.ours = ours
            self.theirs = theirs
        }
    }

    public enum Piece {
        case settled(ArraySlice<Element>, Origin)
        case conflict(Conflict)
    }

    public let pieces: [Piece]

    /// The stretches nobody could settle, in order.
    public var conflicts: [Conflict] {
        pieces.compactMap { piece in
            if case .conflict(let conflict) = piece { conflict } else { nil }
        }
    }

    public var isClean: Bool {
        !pieces.contains { piece in
            if case .conflict = piece { true } else { false }
        }
    }

    /// The merged sequence; nil when there are conflicts.
    public var content: [Element]? { isClean ? resolved { _ in [] } : nil }

    /// The merged sequence with each conflict replaced by what `resolve` makes of it.
    public func resolved<Resolution: Sequence<Element>>(_ resolve: (Conflict) -> Resolution) -> [Element] {
        var content: [Element] = []
        for piece in pieces {
            switch piece {
            case .settled(let elements, _): content.append(contentsOf: elements)
            case .conflict(let conflict): content.append(contentsOf: resolve(conflict))
            }
        }
        return content
    }
}

extension Merge: Sendable where Element: Sendable {}
extension Merge.Conflict: Sendable where Element: Sendable {}
extension Merge.Piece: Sendable where Element: Sendable {}
extension Merge: Equatable where Element: Equatable {}
extension Merge.Conflict: Equatable where Element: Equatable {}
extension Merge.Piece: Equatable where Element: Equatable {}

extension Merge where Element: Hashable {
    /// Merges the changes that lead from `base` to `ours` and from `base` to `theirs`.
    ///
    /// - Complexity: that of two diffs (``Diff/init(from:to:options:)``).
    public init(base: [Element], ours: [Element], theirs: [Element], rules: MergeRules = .standard) {
        var table = SymbolTable<Element>()
        let symbols = (table.symbols(of: base), table.symbols(of: ours), table.symbols(of: theirs))
        let input = MergeInput(base: symbols.0, ours: symbols.1, theirs: symbols.2, symbolCount: table.count)
        pieces = input.regions(rules).compactMap { region in
            switch region.kind {
            case .unchanged: .settled(base[region.base], .base)
            case .ours: region.ours.isEmpty ? nil : .settled(ours[region.ours], .ours)
            case .theirs: region.theirs.isEmpty ? nil : .settled(theirs[region.theirs], .theirs)
            case .alike: region.ours.isEmpty ? nil : .settled(ours[region.ours], .both)
            case .conflict: .conflict(Conflict(base: base[region.base], ours: ours[region.ours], theirs: theirs[region.theirs]))
            }
        }
    }
}
