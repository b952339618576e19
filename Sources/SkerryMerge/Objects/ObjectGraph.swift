/// A value with its objects told apart by identity: each object once, references everywhere else.
///
/// A map that has a string under the identity key is an object. In the graph it stands in ``objects`` under its identity, and every place where
/// it stood holds a reference, so that moving an object and editing it are two changes that do not meet, and cycles are
/// no trouble.
public struct ObjectGraph: Sendable, Hashable {
    /// The key that names objects unless told otherwise.
    public static var identityKeyDefault: String { "__id__" }

    /// The value, with references for objects.
    public var root: ObjectValue
    /// Objects by identity, with references for the objects in them.
    public var objects: [String: ObjectValue]

    public init(root: ObjectValue, objects: [String: ObjectValue] = [:]) {
        self.root = root
        self.objects = objects
    }

    /// Takes a value apart.
    ///
    /// - Throws: ``ObjectError`` with `identityTwice` when an identity stands for two different maps, `tooDeep` beyond
    ///   ``ObjectValue/depthMaximum``.
    public init(_ value: ObjectValue, identityKey: String = identityKeyDefault) throws(ObjectError) {
        var objects: [String: ObjectValue] = [:]
        root = try ObjectGraph.takeApart(value, identityKey, ObjectPath(), depth: 0, &objects)
        self.objects = objects
    }

    private static func takeApart(
        _ value: ObjectValue, _ identityKey: String, _ path: ObjectPath, depth: Int, _ objects: inout [String: ObjectValue]
    ) throws(ObjectError) -> ObjectValue {
        guard depth < ObjectValue.depthMaximum else { throw ObjectError(.tooDeep, path) }
        switch value {
        case .list(let values):
            var result: [ObjectValue] = []
            for value in values { result.append(try takeApart(value, identityKey, path, depth: depth + 1, &objects)) }
            return .list(result)
        case .map(let entries):
            let identity: String? = if case .string(let identity) = entries[identityKey] { identity } else { nil }
            let here = identity.map { ObjectPath(object: $0) } ?? path
            var result: [String: ObjectValue] = [:]
            for (key, value) in ObjectValue.sorted(entries) {
                result[key] = try takeApart(value, identityKey, here.appending(key), depth: depth + 1, &objects)
            }
            guard let identity else { return .map(result) }
            if let known = objects.updateValue(.map(result), forKey: identity), known != .map(result) {
                throw ObjectError(.identityTwice, here)
            }
            return .reference(identity)
        default:
            return value
        }
    }

    /// The value with each object in full at the first place a reader comes to (maps by key, lists in order), and references after that.
    public var value: ObjectValue {
        var seen: Set<String> = []
        return putTogether(root, &seen)
    }

    private func putTogether(_ value: ObjectValue, _ seen: inout Set<String>) -> ObjectValue {
        switch value {
        case .reference(let identity):
            guard let object = objects[identity], seen.insert(identity).inserted else { return value }
            return putTogether(object, &seen)
        case .list(let values):
            return .list(values.map { putTogether($0, &seen) })
        case .map(let entries):
            var result: [String: ObjectValue] = [:]
            for (key, value) in ObjectValue.sorted(entries) { result[key] = putTogether(value, &seen) }
            return .map(result)
        default:
            return value
        }
    }

    /// Identities that the root leads to.
    func reachable() -> Set<String> {
        var found: Set<String> = []
        var pending = [root]
        while let value = pending.popLast() {
            switch value {
            case .reference(let identity):
                if found.insert(identity).inserted, let object = objects[identity] { pending.append(object) }
            case .list(let values): pending.append(contentsOf: values)
            case .map(let entries): pending.append(contentsOf: entries.values)
            default: break
            }
        }
        return found
    }
}

/// A place in a graph: keys from the root, or from an object.
public struct ObjectPath: Sendable, Hashable, CustomStringConvertible {
    /// The object the keys begin at; nil for the root.
    public var object: String?
    public var keys: [String]

    public init(object: String? = nil, keys: [String] = []) {
        self.object = object
        self.keys = keys
    }

    func appending(_ key: String) -> ObjectPath { ObjectPath(object: object, keys: keys + [key]) }

    public var description: String { (object.map { "#\($0)" } ?? "") + keys.map { "/\($0)" }.joined() }
}

/// Why values cannot be taken for a graph, or a patch not applied to one.
public struct ObjectError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case identityTwice, tooDeep, mismatch }
        private let value: Value
        public var description: String { value.rawValue }

        /// One identity stands for two different objects: mend the value.
        public static let identityTwice = Code(value: .identityTwice)
        /// Nested beyond ``ObjectValue/depthMaximum``.
        public static let tooDeep = Code(value: .tooDeep)
        /// What stands at the path is not what the patch takes out: merge instead.
        public static let mismatch = Code(value: .mismatch)
    }

    public let code: Code
    public let path: ObjectPath

    init(_ code: Code, _ path: ObjectPath) {
        self.code = code
        self.path = path
    }

    public var description: String { "\(code) at \(path)" }
}
