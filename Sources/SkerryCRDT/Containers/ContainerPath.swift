/// Where a container is in its document: the names from the root down.
public struct ContainerPath: Sendable, Hashable {
    /// One name on the way.
    public struct Step: Sendable, Hashable {
        public var key: String
        public var kind: ContainerKind
    }

    /// From the root; never empty.
    public private(set) var steps: [Step]

    /// A container at the root.
    public init(key: String, kind: ContainerKind) { steps = [Step(key: key, kind: kind)] }

    /// A container within this one.
    public func appending(key: String, kind: ContainerKind) -> ContainerPath {
        var path = self
        path.steps.append(Step(key: key, kind: kind))
        return path
    }
}

extension DocumentCore {
    /// The container at a path, nil when nobody changed it yet.
    mutating func existingContainer(_ path: ContainerPath) -> UInt32? {
        var container = ContainerTable.root
        for step in path.steps {
            guard let next = containers.number(of: ContainerTable.Name(parent: container, key: step.key, kind: step.kind)) else {
                return nil
            }
            container = next
        }
        return container
    }
}
