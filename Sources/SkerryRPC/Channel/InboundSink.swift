public import SkerryCSP
public import SkerryCodec
public import SkerrySession

/// A sending half as a pump sees it: closures, made where the type of the elements is known and so specialised for it.
@usableFromInline
package struct InboundSink: Sendable {
    /// How far elements came into the channel.
    @usableFromInline
    package struct Progress: Sendable {
        /// Elements the channel has taken just now, and their bytes.
        @usableFromInline var elements = 0
        @usableFromInline var bytes = 0
        /// Elements that wait for room.
        @usableFromInline var waiting = 0
        @usableFromInline var isClosed = false

        @usableFromInline
        init() {}
    }

    /// What became of an offer.
    @usableFromInline
    package enum Offered: Sendable {
        /// No element waits.
        case nothing
        /// An element of so many bytes was received at once.
        case taken(Int)
        /// It stands in line, and will be told of.
        case waits(Int)
        case closed
        case refused(TooManyWaiters)
    }

    /// Reads elements and puts them behind those that wait.
    @usableFromInline let accept: @Sendable (ElementBatch, _ isText: Bool) throws(ShapeError) -> Void
    /// Moves what waits into the channel, as far as there is room.
    @usableFromInline let flush: @Sendable () -> Progress
    /// Offers the first element that waits to the receivers of a rendezvous.
    @usableFromInline let offer: @Sendable (@escaping @Sendable (Bool) -> Void) -> Offered
    @usableFromInline let whenWritable: @Sendable (@escaping @Sendable () -> Void) throws(TooManyWaiters) -> Bool
    @usableFromInline let onClose: @Sendable (@escaping @Sendable (ChannelClosed) -> Void) throws(TooManyWaiters) -> Void
    @usableFromInline let closeReason: @Sendable () -> ChannelClosed?
    @usableFromInline let close: @Sendable ((any Error)?) -> Void

    @inlinable
    init<Element: Shaped>(_ sender: Sender<Element>) {
        self.init(sender) { (bytes, format, table) throws(ShapeError) in
            switch format {
            case .bin: try Bin.decode(Element.self, from: bytes, limits: .standard, references: table)
            case .cbor: try CBOR.decode(Element.self, from: bytes, limits: .standard, references: table)
            default: try JSON.decode(Element.self, from: bytes, limits: .standard, references: table)
            }
        }
    }

    /// For elements that are passed on as they came, whatever they are.
    init(relay sender: Sender<ServicePayload>) {
        self.init(sender) { (bytes, format, table) throws(ShapeError) in
            ServicePayload(format: format, bytes: [UInt8](bytes), references: table?.objects ?? [])
        }
    }

    @inlinable
    init<Element: Sendable>(
        _ sender: Sender<Element>,
        _ decode: @escaping @Sendable (UnsafeRawBufferPointer, PayloadFormat, ReferenceTable?) throws(ShapeError) -> Element
    ) {
        let line = ElementLine<Element>()
        accept = { (batch, isText) throws(ShapeError) in
            let result = batch.bytes.withUnsafeBytes { buffer -> Result<Void, ShapeError> in
                do throws(ShapeError) {
                    for index in batch.ends.indices {
                        let range = batch.range(index)
                        let table = batch.references.isEmpty ? nil : ReferenceTable(batch.references[index])
                        var bytes = UnsafeRawBufferPointer(rebasing: buffer[range])
                        var format = PayloadFormat.json
                        if !isText {
                            guard let first = bytes.first, let tag = PayloadFormat(rawValue: first), tag == .bin || tag == .cbor else {
                                throw ShapeError(.syntax, "an element of no known format", at: 0)
                            }
                            format = tag
                            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
                        }
                        line.append(try decode(bytes, format, table), range.count)
                    }
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
        }
        flush = { line.flush(into: sender) }
        offer = { line.offer(to: sender, $0) }
        whenWritable = { (body) throws(TooManyWaiters) in try sender.whenWritable(body) }
        onClose = { (body) throws(TooManyWaiters) in try sender.onClose(body) }
        closeReason = { sender.closeReason }
        close = { error in if let error { sender.close(throwing: error) } else { sender.close() } }
    }
}

/// Elements that came and wait for room in their channel. The credit of the channel bounds them.
// Touched only inside `accept` and `flush`, which the pump calls one at a time.
@usableFromInline
final class ElementLine<Element: Sendable>: @unchecked Sendable {
    @usableFromInline var elements: [Element] = []
    @usableFromInline var sizes: [Int] = []
    @usableFromInline var start = 0

    @usableFromInline
    init() {}

    @inlinable
    func append(_ element: Element, _ size: Int) {
        elements.append(element)
        sizes.append(size)
    }

    @inlinable
    func offer(to sender: Sender<Element>, _ body: @escaping @Sendable (Bool) -> Void) -> InboundSink.Offered {
        guard start < elements.count else { return .nothing }
        let size = sizes[start]
        do {
            let isTaken = try sender.offer(elements[start], body)
            start += 1
            if start == elements.count {
                elements.removeAll(keepingCapacity: true)
                sizes.removeAll(keepingCapacity: true)
                start = 0
            }
            return isTaken ? .taken(size) : .waits(size)
        } catch let error as TooManyWaiters {
            return .refused(error)
        } catch {
            return .closed
        }
    }

    @inlinable
    func flush(into sender: Sender<Element>) -> InboundSink.Progress {
        var progress = InboundSink.Progress()
        if start < elements.count {
            do throws(ChannelClosed) {
                progress.elements = try sender.trySend(contentsOf: elements[start...])
            } catch {
                progress.isClosed = true
            }
            for size in sizes[start..<start + progress.elements] { progress.bytes += size }
            start += progress.elements
        }
        if start == elements.count || progress.isClosed {
            elements.removeAll(keepingCapacity: elements.count <= 1_024)
            sizes.removeAll(keepingCapacity: sizes.count <= 1_024)
            start = 0
        } else if start > 1_024, start * 2 > elements.count {
            elements.removeFirst(start)
            sizes.removeFirst(start)
            start = 0
        }
        progress.waiting = elements.count - start
        return progress
    }
}
