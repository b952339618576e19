/// The difference of two object graphs, by path: what is set, taken away and spliced.
///
/// Maps are compared key by key, lists by ``Diff`` of their elements, objects by identity. A patch carries what it replaces, so it verifies
/// what it is applied to and can be turned round.
public struct ObjectPatch: Sendable, Hashable {
    public enum Edit: Sendable, Hashable {
        /// The value at a path from one to another; nil stands for nothing there.
        case set(ObjectPath, from: ObjectValue?, to: ObjectValue?)
        /// Elements of the list at a path.
        case splice(ObjectPath, Patch<ObjectValue>)
    }

    public let edits: [Edit]

    public init(edits: [Edit]) { self.edits = edits }

    public var isEmpty: Bool { edits.isEmpty }

    /// What turns `source` into `target`. Edits stand in order of paths: the root first, then objects by identity.
    public init(from source: ObjectGraph, to target: ObjectGraph) {
        var edits: [Edit] = []
        ObjectPatch.compare(source.root, target.root, ObjectPath(), &edits)
        for identity in Set(source.objects.keys).union(target.objects.keys).sorted() {
            ObjectPatch.compare(source.objects[identity], target.objects[identity], ObjectPath(object: identity), &edits)
        }
        self.edits = edits
    }

    private static func compare(_ source: ObjectValue?, _ target: ObjectValue?, _ path: ObjectPath, _ edits: inout [Edit]) {
        guard source != target else { return }
        switch (source, target) {
        case (.map(let a), .map(let b)):
            for key in Set(a.keys).union(b.keys).sorted() { compare(a[key], b[key], path.appending(key), &edits) }
        case (.list(let a), .list(let b)):
            edits.append(.splice(path, Patch(from: a, to: b)))
        default:
            edits.append(.set(path, from: source, to: target))
        }
    }

    /// The way back.
    public var inverted: ObjectPatch {
        ObjectPatch(
            edits: edits.map { edit in
                switch edit {
                case .set(let path, let from, let to): .set(path, from: to, to: from)
                case .splice(let path, let patch): .splice(path, patch.inverted)
                }
            })
    }

    /// The graph with the edits made.
    ///
    /// - Throws: ``ObjectError`` with `mismatch` where the graph is not what the patch was made for; nothing is applied then.
    public func applied(to graph: ObjectGraph) throws(ObjectError) -> ObjectGraph {
        var graph = graph
        for edit in edits {
            switch edit {
            case .set(let path, let from, let to):
                try ObjectPatch.change(&graph, path) { (value: ObjectValue?) throws(ObjectError) in
                    guard value == from else { throw ObjectError(.mismatch, path) }
                    return to
                }
            case .splice(let path, let patch):
                try ObjectPatch.change(&graph, path) { (value: ObjectValue?) throws(ObjectError) in
                    guard case .list(let elements) = value, let spliced = try? patch.applied(to: elements) else {
                        throw ObjectError(.mismatch, path)
                    }
                    return .list(spliced)
                }
            }
        }
        return graph
    }

    private typealias Step = (ObjectValue?) throws(ObjectError) -> ObjectValue?

    private static func change(_ graph: inout ObjectGraph, _ path: ObjectPath, _ step: Step) throws(ObjectError) {
        if let identity = path.object {
            graph.objects[identity] = try change(graph.objects[identity], path, path.keys[...], step)
        } else {
            guard let root = try change(graph.root, path, path.keys[...], step) else { throw ObjectError(.mismatch, path) }
            graph.root = root
        }
    }

    private static func change(
        _ value: ObjectValue?, _ path: ObjectPath, _ keys: ArraySlice<String>, _ step: Step
    ) throws(ObjectError) -> ObjectValue? {
        guard let key = keys.first else { return try step(value) }
        guard case .map(var entries) = value else { throw ObjectError(.mismatch, path) }
        entries[key] = try change(entries[key], path, keys.dropFirst(), step)
        return .map(entries)
    }
}
