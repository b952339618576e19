/// An entry of a frame's table of references: what crosses a session beside the bytes.
///
/// In frames that are sent, a reference of this side's own is thereby introduced once more, one of the peer's goes home, and a promise
/// names what a call under way will return. In frames received there are no promises: the core has resolved them.
@frozen
public struct SessionReference: Hashable, Sendable {
    /// What is referred to.
    @frozen
    public enum Kind: UInt8, Sendable, Hashable {
        /// Nothing: an absent reference, or one that cannot be had any more.
        case null
        /// Something that can be called.
        case service
        /// The end of a channel into which elements are put: they travel to the host.
        case sender
        /// The end of a channel from which elements come: they travel from the host.
        case receiver
    }

    public var kind: Kind
    /// A channel without a window: the consumer asks for each element (``SessionCore/demand(_:elements:)``).
    public var isRendezvous: Bool
    /// Which reference; the root when `kind` is `.null` or this is a promise.
    public var id: ReferenceID
    /// Of a promise: the call of ours whose reply will hold the reference, at ``promiseIndex`` of its table.
    @usableFromInline var promiseRawValue: UInt64
    /// The place in the table of the awaited reply.
    public var promiseIndex: Int

    @inlinable
    init(kind: Kind, isRendezvous: Bool, id: ReferenceID, promiseRawValue: UInt64 = .max, promiseIndex: Int = 0) {
        self.kind = kind
        self.isRendezvous = isRendezvous
        self.id = id
        self.promiseRawValue = promiseRawValue
        self.promiseIndex = promiseIndex
    }

    @inlinable public static var null: SessionReference { SessionReference(kind: .null, isRendezvous: false, id: .root) }

    @inlinable public static func service(_ id: ReferenceID) -> SessionReference {
        SessionReference(kind: .service, isRendezvous: false, id: id)
    }

    @inlinable public static func sender(_ id: ReferenceID, isRendezvous: Bool = false) -> SessionReference {
        SessionReference(kind: .sender, isRendezvous: isRendezvous, id: id)
    }

    @inlinable public static func receiver(_ id: ReferenceID, isRendezvous: Bool = false) -> SessionReference {
        SessionReference(kind: .receiver, isRendezvous: isRendezvous, id: id)
    }

    /// What the reply of `question` will hold at `index`. The question was asked with ``CallOptions/keepsAnswer``.
    @inlinable public static func promise(_ question: QuestionID, index: Int = 0) -> SessionReference {
        SessionReference(kind: .service, isRendezvous: false, id: .root, promiseRawValue: question.rawValue, promiseIndex: index)
    }

    /// The call whose reply is awaited, if this is a promise.
    @inlinable public var promise: QuestionID? { promiseRawValue == .max ? nil : QuestionID(rawValue: promiseRawValue) }
}
