/// What a change did to one container.
public struct ContainerDelta: Sendable, Hashable {
    public enum Effect: Sendable, Hashable {
        /// Edits in order, each on what the ones before it left.
        case text([TextEdit])
        /// Marks of a text that changed, on the text as the change left it. Inserted text comes without marks and gets them here.
        case marks([MarkEdit])
        /// Edits in order, each on what the ones before it left. A moved element is deleted and inserted.
        case list([ListEdit])
        /// A map's keys, or a register under the empty key.
        case keys([KeyEdit])
        /// By how much a counter grew.
        case counter(Int64)
        /// Members of a set that came or went.
        case members([MemberEdit])
    }

    public var container: ContainerPath
    public var effect: Effect

    public init(container: ContainerPath, effect: Effect) {
        self.container = container
        self.effect = effect
    }
}

/// A position in a text in every unit.
public struct TextPosition: Sendable, Hashable {
    public var utf8: Int
    public var scalars: Int
    public var utf16: Int

    public init(utf8: Int, scalars: Int, utf16: Int) {
        self.utf8 = utf8
        self.scalars = scalars
        self.utf16 = utf16
    }
}

/// A stretch of text that was replaced.
public struct TextEdit: Sendable, Hashable {
    public var position: TextPosition
    public var deleted: String
    public var inserted: String
    /// What was deleted as it was marked, empty when nothing of it was.
    public var deletedRuns: [TextRun] = []
    /// What was inserted as it is marked, empty for no marks. Only taking back a deletion inserts text with its marks.
    public var insertedRuns: [TextRun] = []
}

/// A stretch of text whose mark of one kind changed.
public struct MarkEdit: Sendable, Hashable {
    public var start: TextPosition
    public var end: TextPosition
    /// The kind of mark.
    public var key: String
    public var before: DocumentValue?
    public var after: DocumentValue?
}

/// A stretch of a list that was replaced.
public struct ListEdit: Sendable, Hashable {
    public var index: Int
    public var deleted: [DocumentValue]
    public var inserted: [DocumentValue]
}

/// A key whose value changed.
public struct KeyEdit: Sendable, Hashable {
    public var key: String
    public var before: DocumentValue?
    public var after: DocumentValue?
}

/// A member that came or went.
public struct MemberEdit: Sendable, Hashable {
    public var member: DocumentValue
    public var isMember: Bool
}

extension ContainerDelta {
    /// What takes this delta back, on the state right after it.
    public var inverse: ContainerDelta {
        let inverse: Effect =
            switch effect {
            case .text(let edits):
                .text(
                    edits.reversed().map {
                        TextEdit(
                            position: $0.position, deleted: $0.inserted, inserted: $0.deleted, deletedRuns: $0.insertedRuns,
                            insertedRuns: $0.deletedRuns)
                    })
            case .marks(let edits):
                .marks(edits.reversed().map { MarkEdit(start: $0.start, end: $0.end, key: $0.key, before: $0.after, after: $0.before) })
            case .list(let edits): .list(edits.reversed().map { ListEdit(index: $0.index, deleted: $0.inserted, inserted: $0.deleted) })
            case .keys(let edits): .keys(edits.reversed().map { KeyEdit(key: $0.key, before: $0.after, after: $0.before) })
            case .counter(let amount): .counter(0 &- amount)
            case .members(let edits): .members(edits.reversed().map { MemberEdit(member: $0.member, isMember: !$0.isMember) })
            }
        return ContainerDelta(container: container, effect: inverse)
    }
}
