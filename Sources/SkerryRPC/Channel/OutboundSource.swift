public import SkerryCSP
public import SkerryCodec
public import SkerrySession

/// A receiving half as a pump sees it: closures, made where the type of the elements is known and so specialised for it.
@usableFromInline
package struct OutboundSource: Sendable {
    /// Takes up to so many elements without waiting and appends their encodings; returns how many.
    @usableFromInline let take: @Sendable (Int, PayloadFormat, inout ElementBatch) throws(ShapeError) -> Int
    /// Takes the element of a sender that waits at a rendezvous, for a trial, and appends its encoding; nil when none waits.
    @usableFromInline let takeOffer: @Sendable (PayloadFormat, inout ElementBatch) throws(ShapeError) -> PendingOffer?
    /// Says that an element would be taken now, or not any more.
    @usableFromInline let expect: @Sendable (Bool) -> Void
    @usableFromInline let whenReadable: @Sendable (@escaping @Sendable () -> Void) throws(TooManyWaiters) -> Bool
    @usableFromInline let onClose: @Sendable (@escaping @Sendable (ChannelClosed) -> Void) throws(TooManyWaiters) -> Void
    /// Why the channel is over, nil while something may still come out of it.
    @usableFromInline let ending: @Sendable () -> ChannelClosed?
    @usableFromInline let close: @Sendable ((any Error)?) -> Void

    @inlinable
    init<Element: Shaped>(_ receiver: Receiver<Element>) {
        let hasReferences = Element.shape.mayHoldReferences
        let scratch = ElementScratch<Element>()
        take = { (maximum, format, batch) throws(ShapeError) in
            let count = receiver.tryReceive(upTo: maximum, into: &scratch.elements)
            defer { scratch.elements.removeAll(keepingCapacity: true) }
            for element in scratch.elements { try batch.append(element, format, hasReferences) }
            return count
        }
        takeOffer = { (format, batch) throws(ShapeError) in
            guard let offer = receiver.takeOffer() else { return nil }
            do throws(ShapeError) {
                try batch.append(offer.element, format, hasReferences)
            } catch {
                receiver.close(throwing: error)
                offer.putBack()
                throw error
            }
            return PendingOffer(offer)
        }
        expect = { receiver.expect($0) }
        whenReadable = { (body) throws(TooManyWaiters) in try receiver.whenReadable(body) }
        onClose = { (body) throws(TooManyWaiters) in try receiver.onClose(body) }
        ending = { receiver.isDrained ? receiver.closeReason : nil }
        close = { error in if let error { receiver.close(throwing: error) } else { receiver.close() } }
    }

    /// For elements that are passed on as they came, whatever they are.
    init(relay receiver: Receiver<ServicePayload>) {
        take = { (_, format, batch) throws(ShapeError) in
            guard case .element(let payload) = receiver.tryReceive() else { return 0 }
            do throws(CallError) {
                batch.append(format == .json || payload.format == .json ? try payload.transcoded(to: format) : payload)
            } catch {
                throw ShapeError(.unrepresentable, error.message)
            }
            return 1
        }
        takeOffer = { (format, batch) throws(ShapeError) in
            guard let offer = receiver.takeOffer() else { return nil }
            do throws(CallError) {
                batch.append(format == .json || offer.element.format == .json ? try offer.element.transcoded(to: format) : offer.element)
            } catch {
                receiver.close(throwing: error)
                offer.putBack()
                throw ShapeError(.unrepresentable, error.message)
            }
            return PendingOffer(offer)
        }
        expect = { receiver.expect($0) }
        whenReadable = { (body) throws(TooManyWaiters) in try receiver.whenReadable(body) }
        onClose = { (body) throws(TooManyWaiters) in try receiver.onClose(body) }
        ending = { receiver.isDrained ? receiver.closeReason : nil }
        close = { error in if let error { receiver.close(throwing: error) } else { receiver.close() } }
    }
}

/// A sender that waits until its element was received on the other side of a session. One of the three is called, once.
@usableFromInline
package struct PendingOffer: Sendable {
    @usableFromInline let accept: @Sendable () -> Void
    @usableFromInline let putBack: @Sendable () -> Void
    @usableFromInline let fail: @Sendable (any Error) -> Void

    @inlinable
    init<Element>(_ offer: Offer<Element>) {
        accept = { offer.accept() }
        putBack = { offer.putBack() }
        fail = { offer.fail($0) }
    }
}

/// Memory that a source uses again for each batch.
// Touched only inside `take`, which its pump calls one at a time.
@usableFromInline
final class ElementScratch<Element: Sendable>: @unchecked Sendable {
    @usableFromInline var elements: [Element] = []

    @usableFromInline
    init() {}
}

extension ElementBatch {
    /// Appends the encoding of `element`, behind its format unless that is JSON.
    @inlinable
    mutating func append<Element: Shaped>(
        _ element: borrowing Element, _ format: PayloadFormat, _ hasReferences: Bool
    ) throws(ShapeError) {
        let table = hasReferences ? ReferenceTable() : nil
        let element = copy element
        switch format {
        case .json:
            try JSON.encode(element, into: &bytes, references: table)
        case .bin:
            bytes.append(PayloadFormat.bin.rawValue)
            try Bin.encode(element, into: &bytes, references: table)
        default:
            bytes.append(PayloadFormat.cbor.rawValue)
            try CBOR.encode(element, into: &bytes, references: table)
        }
        ends.append(bytes.count)
        if let table { references.append(table.objects) }
    }

    mutating func append(_ payload: ServicePayload) {
        if payload.format != .json { bytes.append(payload.format.rawValue) }
        bytes.append(contentsOf: payload.bytes)
        ends.append(bytes.count)
        references.append(payload.references)
    }
}
