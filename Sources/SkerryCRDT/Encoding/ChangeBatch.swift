/// Decoded events, not applied yet: checked in form, not in meaning.
struct ChangeBatch: ~Copyable, Sendable {
    struct Run: BitwiseCopyable, Sendable {
        /// Index in `origins`.
        var origin: UInt32
        /// Sequence of the first event, from 0.
        var sequence: UInt32
        var count: UInt32
        /// What the first event had seen besides its origin's own event before it.
        var parents: UInt32
        var parentCount: UInt32
        var operations: UInt32
        var operationCount: UInt32
    }

    struct Parent: BitwiseCopyable, Sendable {
        var origin: UInt32
        var sequence: UInt32
    }

    struct Operation: BitwiseCopyable, Sendable {
        enum Kind: UInt8, BitwiseCopyable, Sendable {
            case insertion = 0
            case deletion = 2
            case deletionBackwards = 3
            /// One event whose meaning stands in its content.
            case value = 4
        }

        /// Index in `containers`.
        var container: UInt32
        var kind: Kind
        var count: UInt32
        var position: UInt32
        /// Where the content stands in `bytes`.
        var content: UInt32
        var contentCount: UInt32
    }

    struct Container: Sendable {
        /// Index in `containers`, `ContainerTable.root` for none; smaller than the container's own.
        var parent: UInt32
        var key: String
        var kind: ContainerKind
        /// 1 for a container at the root.
        var depth: Int
    }

    /// A position above this is refused when it is read.
    static let positionMaximum = 0x1FFF_FFFF

    var origins: [OriginID] = []
    var containers: [Container] = []
    var runs = RawArray<Run>(capacity: 4)
    var parents = RawArray<Parent>(capacity: 4)
    var operations = RawArray<Operation>(capacity: 4)
    var bytes = RawArray<UInt8>(capacity: 64)

    init() {}

    /// Forgets the events; origins and containers stay for the next frame of the same stream.
    mutating func removeEvents() {
        runs.truncate(to: 0)
        parents.truncate(to: 0)
        operations.truncate(to: 0)
        bytes.truncate(to: 0)
    }
}
