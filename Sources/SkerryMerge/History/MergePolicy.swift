/// How the content of files is merged and what becomes of conflicts.
///
/// Everything in it must depend on its arguments alone: two nodes that merge the same pair are to make the same commit.
public struct MergePolicy: Sendable {
    /// What merging one file gave.
    public struct Outcome: Sendable, Hashable {
        public var content: [UInt8]
        /// Places that could not be settled and were decided by the policy, or marked.
        public var conflictCount: Int

        public init(content: [UInt8], conflictCount: Int) {
            self.content = content
            self.conflictCount = conflictCount
        }
    }

    /// Base (nil when both sides made the file), ours, theirs, and how deep in virtual bases this is: 0 for the merge itself.
    public typealias ContentMerge = @Sendable (_ base: [UInt8]?, _ ours: [UInt8], _ theirs: [UInt8], _ depth: Int) -> Outcome

    let mergeContent: ContentMerge
    /// Whether a merge with conflicts is refused instead of committed.
    public var refusesConflicts: Bool
    /// Whether a file one side changed survives its deletion by the other without a conflict.
    public var changeBeatsDelete: Bool

    public init(refusesConflicts: Bool, changeBeatsDelete: Bool = true, mergeContent: @escaping ContentMerge) {
        self.refusesConflicts = refusesConflicts
        self.changeBeatsDelete = changeBeatsDelete
        self.mergeContent = mergeContent
    }

    /// Text by lines and words; a merge with conflicts is refused, its files carry markers for whoever settles them.
    public static let refusing = text(refusesConflicts: true)
    /// Text by lines and words; conflicts are committed between markers.
    public static let marking = text(refusesConflicts: false)

    /// Text under these rules. Markers of virtual bases are longer, so that they never end those of the merge itself.
    public static func text(rules: MergeRules = .text, refusesConflicts: Bool) -> MergePolicy {
        MergePolicy(refusesConflicts: refusesConflicts) { base, ours, theirs, depth in
            let merge = Merge(base: TextLines(base ?? []), ours: TextLines(ours), theirs: TextLines(theirs), rules: rules)
            let markers = MarkerFormat(showsBase: true, size: 7 + 2 * depth)
            return Outcome(content: markers.render(merge), conflictCount: merge.conflicts.count)
        }
    }

    /// Encoded values (``ObjectValue/encoded``), merged by identity and path.
    ///
    /// Bytes that are no value count as a conflict, and the side with the greater bytes is taken.
    public static func objects(_ policy: ObjectMerge.Policy, identityKey: String = ObjectGraph.identityKeyDefault) -> MergePolicy {
        MergePolicy(refusesConflicts: false) { base, ours, theirs, _ in
            let graphs = [base ?? ObjectValue.null.encoded, ours, theirs].map { bytes in
                (try? ObjectValue(encoded: bytes)).flatMap { try? ObjectGraph($0, identityKey: identityKey) }
            }
            guard let base = graphs[0], let oursGraph = graphs[1], let theirsGraph = graphs[2] else {
                return Outcome(content: ours.lexicographicallyPrecedes(theirs) ? theirs : ours, conflictCount: 1)
            }
            let merge = ObjectMerge(base: base, ours: oursGraph, theirs: theirsGraph, policy: policy)
            return Outcome(content: merge.graph.value.encoded, conflictCount: merge.conflicts.count)
        }
    }
}

/// What a merge came to.
public enum MergeOutcome: Sendable, Hashable {
    /// The branch has everything already.
    case upToDate
    /// The branch had nothing of its own and moved to the other commit.
    case fastForward(ObjectID)
    /// A merge commit, with the files whose conflicts the policy decided.
    case merged(ObjectID, conflicts: [FilePath])
    /// Nothing was committed; `merged` holds what would have been, conflicts between markers, for somebody to settle.
    case refused(conflicts: [FilePath], merged: Snapshot)
}
