@testable import SkerryMerge

/// What the checks of this module look at, as functions: the module itself, or the module with an error put in.
///
/// A check that a defective subject passes is worth nothing; `DefectTests` puts one in after the other.
struct Subject: Sendable {
    typealias Letters = [UInt8]
    typealias LetterPatch = Patch<UInt8>

    var diff: @Sendable (Letters, Letters, DiffOptions) -> Diff = { Diff(from: $0, to: $1, options: $2) }
    var applied: @Sendable (LetterPatch, Letters) throws(PatchError) -> Letters = { (patch, source) throws(PatchError) in
        try patch.applied(to: source)
    }
    var inverted: @Sendable (LetterPatch) -> LetterPatch = { $0.inverted }
    var composed: @Sendable (LetterPatch, LetterPatch) throws(PatchError) -> LetterPatch = { (first, second) throws(PatchError) in
        try first.composed(with: second)
    }
    var checked: @Sendable ([LetterPatch.Change]) throws(PatchError) -> LetterPatch = { (changes) throws(PatchError) in
        try Patch(changes: changes)
    }
    /// Base, ours, theirs.
    var merge: @Sendable (Letters, Letters, Letters, MergeRules) -> [Merge<UInt8>.Piece] = {
        Merge(base: $0, ours: $1, theirs: $2, rules: $3).pieces
    }
    var lines: @Sendable (TextLines, TextLines) -> Diff = { $0.diff(to: $1) }
    var graph: @Sendable (ObjectValue) throws(ObjectError) -> ObjectGraph = { (value) throws(ObjectError) in try ObjectGraph(value) }
    var objects: @Sendable (ObjectGraph, ObjectGraph, ObjectGraph, ObjectMerge.Policy) -> (graph: ObjectGraph, conflicts: Int) = {
        let merge = ObjectMerge(base: $0, ours: $1, theirs: $2, policy: $3)
        return (merge.graph, merge.conflicts.count)
    }
    var mergeBases: @Sendable (PlainGraph, Int, Int) -> Set<ObjectID> = {
        Set($0.graph.mergeBases(PlainGraph.id($1), PlainGraph.id($2)))
    }
}

extension [Merge<UInt8>.Piece] {
    /// The text, with each conflict as `{ours|theirs}`.
    var shown: String {
        map { piece in
            switch piece {
            case .settled(let text, _): String(decoding: text, as: UTF8.self)
            case .conflict(let conflict):
                "{\(String(decoding: conflict.ours, as: UTF8.self))|\(String(decoding: conflict.theirs, as: UTF8.self))}"
            }
        }.joined()
    }

    func resolved(_ side: (Merge<UInt8>.Conflict) -> ArraySlice<UInt8>) -> [UInt8] {
        flatMap { piece in
            switch piece {
            case .settled(let text, _): text
            case .conflict(let conflict): side(conflict)
            }
        }
    }

    var conflicts: [Merge<UInt8>.Conflict] {
        compactMap { piece in
            if case .conflict(let conflict) = piece { conflict } else { nil }
        }
    }

    /// Nil when there are conflicts.
    var content: [UInt8]? { conflicts.isEmpty ? resolved(\.ours) : nil }
}
