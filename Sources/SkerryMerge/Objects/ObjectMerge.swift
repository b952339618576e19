/// The three-way merge of object graphs: maps by key, lists by ``Merge``, objects by identity, and what is left by a policy.
///
/// The rules are those of ``MergeRules``, with a place in a map or an object for a stretch of a sequence.
public struct ObjectMerge: Sendable, Hashable {
    /// A place that both sides changed differently; nil stands for nothing there. Lists of elements for a stretch of a list.
    public struct Conflict: Sendable, Hashable {
        public let path: ObjectPath
        public let base: ObjectValue?
        public let ours: ObjectValue?
        public let theirs: ObjectValue?

        public init(path: ObjectPath, base: ObjectValue?, ours: ObjectValue?, theirs: ObjectValue?) {
            self.path = path
            self.base = base
            self.ours = ours
            self.theirs = theirs
        }
    }

    /// What becomes of a conflict. Whatever is chosen, the conflict is reported too.
    public struct Policy: Sendable {
        let choose: @Sendable (Conflict) -> ObjectValue?

        /// - Parameter choose: must depend on its argument alone, or nodes that merge the same pair disagree.
        public init(_ choose: @escaping @Sendable (Conflict) -> ObjectValue?) { self.choose = choose }

        /// Upstream's rule: our side.
        public static let ours = Policy(\.ours)
        public static let theirs = Policy(\.theirs)
        public static let base = Policy(\.base)
        /// The side whose canonical encoding is greater, whichever side it is on; something beats nothing.
        public static let greatest = Policy { conflict in
            guard let ours = conflict.ours, let theirs = conflict.theirs else { return conflict.ours ?? conflict.theirs }
            return ours.encoded.lexicographicallyPrecedes(theirs.encoded) ? theirs : ours
        }
    }

    public let graph: ObjectGraph
    /// In order of paths.
    public let conflicts: [Conflict]

    public init(
        base: ObjectGraph, ours: ObjectGraph, theirs: ObjectGraph, rules: MergeRules = .standard, policy: Policy = .ours
    ) {
        var walk = Walk(rules: rules, policy: policy)
        let root = walk.merge(base.root, ours.root, theirs.root, ObjectPath()) ?? .null
        var merged = ObjectGraph(root: root)
        for identity in Set(base.objects.keys).union(ours.objects.keys).union(theirs.objects.keys).sorted() {
            merged.objects[identity] = walk.merge(
                base.objects[identity], ours.objects[identity], theirs.objects[identity], ObjectPath(object: identity))
        }
        graph = ObjectMerge.settled(merged, [ours, theirs, base])
        conflicts = walk.conflicts
    }

    /// An object stays exactly when something refers to it: one side may have deleted what the other began to refer to.
    private static func settled(_ graph: ObjectGraph, _ sources: [ObjectGraph]) -> ObjectGraph {
        var graph = graph
        while true {
            let reachable = graph.reachable()
            let missing = reachable.filter { graph.objects[$0] == nil }
            let restored = missing.compactMap { identity in
                sources.lazy.compactMap { $0.objects[identity] }.first.map { (identity, $0) }
            }
            guard !restored.isEmpty else {
                graph.objects = graph.objects.filter { reachable.contains($0.key) }
                return graph
            }
            for (identity, object) in restored { graph.objects[identity] = object }
        }
    }

    private struct Walk {
        let rules: MergeRules
        let policy: Policy
        var conflicts: [Conflict] = []

        mutating func merge(_ base: ObjectValue?, _ ours: ObjectValue?, _ theirs: ObjectValue?, _ path: ObjectPath) -> ObjectValue? {
            if ours == theirs || theirs == base { return ours }
            if ours == base { return theirs }
            switch (base, ours, theirs) {
            case (.map(let base), .map(let ours), .map(let theirs)): return .map(merge(base, ours, theirs, path))
            // Two sides that made the same place at the same time.
            case (nil, .map(let ours), .map(let theirs)): return .map(merge([:], ours, theirs, path))
            case (.list(let base), .list(let ours), .list(let theirs)): return .list(merge(base, ours, theirs, path))
            case (_, nil, let kept?), (_, let kept?, nil):
                if rules.insertBeatsDelete { return kept }
            default: break
            }
            return settle(Conflict(path: path, base: base, ours: ours, theirs: theirs))
        }

        private mutating func merge(
            _ base: [String: ObjectValue], _ ours: [String: ObjectValue], _ theirs: [String: ObjectValue], _ path: ObjectPath
        ) -> [String: ObjectValue] {
            var result: [String: ObjectValue] = [:]
            for key in Set(base.keys).union(ours.keys).union(theirs.keys).sorted() {
                result[key] = merge(base[key], ours[key], theirs[key], path.appending(key))
            }
            return result
        }

        private mutating func merge(
            _ base: [ObjectValue], _ ours: [ObjectValue], _ theirs: [ObjectValue], _ path: ObjectPath
        ) -> [ObjectValue] {
            // Elements that correspond one to one are merged inside, which trimming would tear apart.
            var rules = rules
            rules.trimsConflicts = false
            let merge = Merge(base: base, ours: ours, theirs: theirs, rules: rules)
            var result: [ObjectValue] = []
            for piece in merge.pieces {
                switch piece {
                case .settled(let elements, _): result.append(contentsOf: elements)
                case .conflict(let conflict): result.append(contentsOf: settle(conflict, path))
                }
            }
            return result
        }

        private mutating func settle(_ conflict: Merge<ObjectValue>.Conflict, _ path: ObjectPath) -> [ObjectValue] {
            if conflict.base.count == conflict.ours.count, conflict.base.count == conflict.theirs.count {
                return zip(conflict.base, zip(conflict.ours, conflict.theirs)).compactMap { merge($0, $1.0, $1.1, path) }
            }
            let whole = Conflict(
                path: path, base: .list(Array(conflict.base)), ours: .list(Array(conflict.ours)), theirs: .list(Array(conflict.theirs)))
            return switch settle(whole) {
            case .list(let elements)?: elements
            case let element?: [element]
            case nil: []
            }
        }

        private mutating func settle(_ conflict: Conflict) -> ObjectValue? {
            conflicts.append(conflict)
            return policy.choose(conflict)
        }
    }
}
