import SkerryCSP
import SkerryCodec
import SkerrySession

/// The end of a channel that the peer of a session hosts. One per channel and session; when it goes, the peer is told.
///
/// It knows nothing of its elements until somebody reads it as a half with a type. Then it makes a channel of this process whose one half is
/// given out, and whose other half a pump serves. As long as that half lives, whoever reads the same end again gets the same half.
// `introductions`, `closeReason` and `early` are touched under the lock of the session, and in `deinit` by nobody else. The rest is immutable or locked.
final class ImportedChannel: ChannelEnd, ImportedObject, @unchecked Sendable {
    /// Elements of a proxy's own channel: what the user may be ahead of the session, and the session ahead of the user.
    private var capacity: ChannelCapacity { reference.isRendezvous ? .rendezvous : .buffer(256) }

    let session: Session
    let reference: SessionReference
    /// How this side writes elements.
    private let format: PayloadFormat
    var introductions = 1
    /// The peer closed the channel before anybody looked at it here.
    var closeReason: CloseReason?
    /// Elements that came before that.
    var early: [ElementBatch] = []
    private let proxy = Locked(Proxy())

    private struct Proxy: Sendable {
        weak var half: (any AnyObject & Sendable)?
    }

    init(_ session: Session, _ reference: SessionReference, _ format: PayloadFormat) {
        self.session = session
        self.reference = reference
        self.format = format
    }

    deinit { session.release(reference.id, introductions: introductions) }

    override var imported: ImportedChannel? { self }

    override func sender<Element: Shaped>(of type: Element.Type) throws(ShapeError) -> Sender<Element> {
        guard reference.kind == .sender else { return try super.sender(of: type) }
        return try half(Sender<Element>.self) {
            let channel = Channel<Element>(capacity)
            return (channel.sender, sending(from: OutboundSource(channel.receiver)))
        }
    }

    override func receiver<Element: Shaped>(of type: Element.Type) throws(ShapeError) -> Receiver<Element> {
        guard reference.kind == .receiver else { return try super.receiver(of: type) }
        return try half(Receiver<Element>.self) {
            let channel = Channel<Element>(capacity)
            return (channel.receiver, receiving(into: InboundSink(channel.sender)))
        }
    }

    /// The end for another session: the half in use, or one whose elements pass through unread.
    override var local: LocalChannelEnd {
        if let half = proxy.withLock({ $0.half }) {
            if let half = half as? any ExportableHalf { return half.exportable }
            if let half = half as? Sender<ServicePayload> { return LocalSender(half, sink: InboundSink(relay: half)) }
            if let half = half as? Receiver<ServicePayload> { return LocalReceiver(half, source: OutboundSource(relay: half)) }
        }
        let channel = Channel<ServicePayload>(capacity)
        if reference.kind == .sender {
            proxy.withLock { $0.half = channel.sender }
            channel.sender.origin = self
            session.adopt(sending(from: OutboundSource(relay: channel.receiver)), for: self)
            return LocalSender(channel.sender, sink: InboundSink(relay: channel.sender))
        }
        proxy.withLock { $0.half = channel.receiver }
        channel.receiver.origin = self
        session.adopt(receiving(into: InboundSink(relay: channel.sender)), for: self)
        return LocalReceiver(channel.receiver, source: OutboundSource(relay: channel.receiver))
    }

    private func sending(from source: OutboundSource) -> any ChannelPump {
        guard reference.isRendezvous else {
            return OutboundStream(session, reference.id, source: source, format: format, isImport: true, end: nil)
        }
        return OutboundRendezvous(session, reference.id, source: source, format: format, isImport: true, end: nil)
    }

    private func receiving(into sink: InboundSink) -> any ChannelPump {
        guard reference.isRendezvous else { return InboundStream(session, reference.id, sink: sink, isImport: true, end: nil) }
        return InboundRendezvous(session, reference.id, sink: sink, isImport: true, end: nil)
    }

    /// The half that stands for this end here: the one in use, or a new one.
    private func half<Half: ExportableHalf>(
        _ type: Half.Type, _ make: () -> (Half, any ChannelPump)
    ) throws(ShapeError) -> Half {
        let (half, pump) = try proxy.withLock { proxy throws(ShapeError) -> (Half, (any ChannelPump)?) in
            if let half = proxy.half {
                if let half = half as? Half { return (half, nil) }
                throw ShapeError(.badReference, "\(reference.id) is in use here with elements of another type")
            }
            let (half, pump) = make()
            proxy.half = half
            return (half, pump)
        }
        if let pump {
            half.origin = self
            session.adopt(pump, for: self)
        }
        return half
    }
}

/// A half of a channel that knows how it is exported.
protocol ExportableHalf: AnyObject, Sendable {
    var origin: (any AnyObject & Sendable)? { get set }
    var exportable: LocalChannelEnd { get }
}
