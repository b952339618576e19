public import SkerryCSP
public import SkerryCodec
import SkerrySession

/// One end of a channel among the references of a payload.
///
/// Abstract: a ``LocalSender`` or ``LocalReceiver`` wraps a half of this process, an ``ImportedChannel`` stands for one elsewhere and gets the type of
/// its elements when somebody reads it as a `Sender` or `Receiver`.
@usableFromInline
package class ChannelEnd: @unchecked Sendable {
    // Stateless; subclasses say why they are `Sendable`.
    @usableFromInline
    package init() {}

    /// The end as a sending half.
    ///
    /// - Throws: ``ShapeError/Code/badReference`` when it is another half, or carries other elements.
    @usableFromInline
    package func sender<Element: Shaped>(of type: Element.Type) throws(ShapeError) -> Sender<Element> {
        throw ShapeError(.badReference, "not the sending end of a channel of \(Element.shape.name)")
    }

    /// The end as a receiving half.
    ///
    /// - Throws: as ``sender(of:)``.
    @usableFromInline
    package func receiver<Element: Shaped>(of type: Element.Type) throws(ShapeError) -> Receiver<Element> {
        throw ShapeError(.badReference, "not the receiving end of a channel of \(Element.shape.name)")
    }

    /// The end of the peer this stands for, if it does.
    var imported: ImportedChannel? { nil }

    /// The end as something of this process that can be exported.
    var local: LocalChannelEnd { preconditionFailure("\(self) is not local and says nothing of it") }
}

/// A half of this process: how it is found again and how its elements move.
@usableFromInline
package class LocalChannelEnd: ChannelEnd, @unchecked Sendable {
    // Immutable; the half itself is `Sendable`.
    let channelID: ChannelID
    let origin: (any AnyObject & Sendable)?

    @usableFromInline
    init(channelID: ChannelID, origin: (any AnyObject & Sendable)?) {
        self.channelID = channelID
        self.origin = origin
    }

    override var imported: ImportedChannel? { origin as? ImportedChannel }
    override var local: LocalChannelEnd { self }

    var kind: SessionReference.Kind { preconditionFailure("abstract") }
    var key: ExportKey { preconditionFailure("abstract") }
    /// A send into the channel returns when the element was received, and so it does from the other side of a session.
    var isRendezvous: Bool { preconditionFailure("abstract") }
    func makePump(_ session: Session, _ id: ReferenceID, _ format: PayloadFormat) -> any ChannelPump { preconditionFailure("abstract") }

    func reference(_ id: ReferenceID) -> SessionReference {
        kind == .sender ? .sender(id, isRendezvous: isRendezvous) : .receiver(id, isRendezvous: isRendezvous)
    }
}

/// A sending half of this process.
@usableFromInline
package final class LocalSender<Element: Sendable>: LocalChannelEnd, @unchecked Sendable {
    // Immutable.
    @usableFromInline let half: Sender<Element>
    let sink: InboundSink

    @usableFromInline
    init(_ half: Sender<Element>, sink: InboundSink) {
        self.half = half
        self.sink = sink
        super.init(channelID: half.channelID, origin: half.origin)
    }

    @usableFromInline
    package override func sender<Wanted: Shaped>(of type: Wanted.Type) throws(ShapeError) -> Sender<Wanted> {
        if let half = half as? Sender<Wanted> { return half }
        return try super.sender(of: type)
    }

    override var kind: SessionReference.Kind { .sender }
    override var key: ExportKey { .sender(channelID.rawValue) }
    override var isRendezvous: Bool { half.isRendezvous }

    override func makePump(_ session: Session, _ id: ReferenceID, _ format: PayloadFormat) -> any ChannelPump {
        guard isRendezvous else { return InboundStream(session, id, sink: sink, isImport: false, end: self) }
        return InboundRendezvous(session, id, sink: sink, isImport: false, end: self)
    }
}

/// A receiving half of this process.
@usableFromInline
package final class LocalReceiver<Element: Sendable>: LocalChannelEnd, @unchecked Sendable {
    // Immutable.
    @usableFromInline let half: Receiver<Element>
    let source: OutboundSource

    @usableFromInline
    init(_ half: Receiver<Element>, source: OutboundSource) {
        self.half = half
        self.source = source
        super.init(channelID: half.channelID, origin: half.origin)
    }

    @usableFromInline
    package override func receiver<Wanted: Shaped>(of type: Wanted.Type) throws(ShapeError) -> Receiver<Wanted> {
        if let half = half as? Receiver<Wanted> { return half }
        return try super.receiver(of: type)
    }

    override var kind: SessionReference.Kind { .receiver }
    override var key: ExportKey { .receiver(channelID.rawValue) }
    override var isRendezvous: Bool { half.isRendezvous }

    override func makePump(_ session: Session, _ id: ReferenceID, _ format: PayloadFormat) -> any ChannelPump {
        guard isRendezvous else { return OutboundStream(session, id, source: source, format: format, isImport: false, end: self) }
        return OutboundRendezvous(session, id, source: source, format: format, isImport: false, end: self)
    }
}

// MARK: - As values

extension Sender: Shaped where Element: Shaped {
    public static var shape: Shape { .reference(.sender(Element.shape)) }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        try writer.write(reference: LocalSender(self, sink: InboundSink(self)), shape: .sender(Element.shape))
    }

    /// Reads a sending half: the original when it comes home, else a proxy through which elements travel to its host.
    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Sender {
        let start = reader.offset
        guard let end = try reader.readReference(.sender(Element.shape)) as? ChannelEnd else {
            throw ShapeError(.badReference, "a service where the sending end of a channel belongs", at: start)
        }
        return try end.sender(of: Element.self)
    }
}

extension Receiver: Shaped where Element: Shaped {
    public static var shape: Shape { .reference(.receiver(Element.shape)) }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        try writer.write(reference: LocalReceiver(self, source: OutboundSource(self)), shape: .receiver(Element.shape))
    }

    /// Reads a receiving half: the original when it comes home, else a proxy to which elements travel from its host.
    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Receiver {
        let start = reader.offset
        guard let end = try reader.readReference(.receiver(Element.shape)) as? ChannelEnd else {
            throw ShapeError(.badReference, "a service where the receiving end of a channel belongs", at: start)
        }
        return try end.receiver(of: Element.self)
    }
}

extension Sender: ExportableHalf where Element: Shaped {
    var exportable: LocalChannelEnd { LocalSender(self, sink: InboundSink(self)) }
}

extension Receiver: ExportableHalf where Element: Shaped {
    var exportable: LocalChannelEnd { LocalReceiver(self, source: OutboundSource(self)) }
}
