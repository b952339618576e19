import SkerryCSP
import SkerrySession
import SkerryWire

// Elements of channels between the core and the pumps.

extension Session {
    var isText: Bool { options.configuration.encoding == .text }

    /// Elements came. Under the lock; they are copied, because they outlive the packet.
    func receive(_ block: ElementBlock, of id: ReferenceID, _ packet: UnsafeRawBufferPointer, _ state: inout SessionState) {
        var batch = ElementBatch()
        batch.bytes.reserveCapacity(block.byteCount)
        block.forEach(in: packet) { element in
            batch.bytes.append(contentsOf: element)
            batch.ends.append(batch.bytes.count)
        }
        if !block.references.isEmpty { batch.references = [claim(block.references, format: isText ? .json : .cbor, &state)] }
        guard id.isHosted(by: state.role) else { return state.effects.append(.deliver(id, batch)) }
        if let end = state.pump(of: id) as? InboundPump { state.effects.append(.elements(end, batch)) }
    }

    /// Gives elements of the peer's channel to their pump, or keeps them until there is one.
    func deliver(_ batch: ElementBatch?, to id: ReferenceID) {
        var early: [ElementBatch] = []
        // Held outside the lock, for it may be the last reference.
        var channel: ImportedChannel?
        let pump = state.withLock { state -> InboundPump? in
            let pump = state.pump(of: id) as? InboundPump
            channel = state.importedChannel(id)
            guard let channel else { return nil }
            if let batch { channel.early.append(batch) }
            guard pump != nil else { return nil }
            swap(&early, &channel.early)
            return pump
        }
        guard let pump else { return }
        for batch in early { pump.deliver(batch) }
        withExtendedLifetime(channel) {}
    }

    /// The peer closed a channel end that it hosts.
    func closed(_ id: ReferenceID, _ reason: CloseReason) {
        var channel: ImportedChannel?
        let pump = state.withLock { state -> (any ChannelPump)? in
            if let pump = state.pump(of: id) { return pump }
            channel = state.importedChannel(id)
            channel?.closeReason = reason
            return nil
        }
        pump?.end(.closed(reason))
        withExtendedLifetime(channel) {}
    }

    /// Somebody has begun to look at an imported channel end.
    func adopt(_ pump: any ChannelPump, for channel: ImportedChannel) {
        let id = channel.reference.id
        let mustDrain = state.withLock { state in
            state.effects.append(.pump(pump))
            if let slot = state.imports.at(id.index), slot.id == id { state.imports[id.index]?.pump = pump }
            if !channel.early.isEmpty { state.effects.append(.deliver(id, nil)) }
            if let reason = channel.closeReason { state.effects.append(.closed(id, reason)) }
            if let failure = state.failure { state.effects.append(.end(pump, .lost(failure))) }
            return state.hasUrgentEffects
        }
        if mustDrain { drain() }
    }

    /// The pump of an imported channel end has done its work.
    func forget(_ pump: any ChannelPump, _ id: ReferenceID) {
        state.withLock { state in
            guard let slot = state.imports.at(id.index), slot.id == id, slot.pump === pump else { return }
            state.imports[id.index]?.pump = nil
            state.effects.append(.drop(pump))
        }
    }

    /// Lets the pump work soon: on the loop of the link, so that what gathers until then moves together.
    func schedule(_ pump: any ChannelPump, isReady: Bool = false) {
        let mustDrain = state.withLock { state in
            state.effects.append(isReady ? .ready(pump) : .pump(pump))
            return state.mustDrain()
        }
        if mustDrain { drain() }
    }

    /// The element that a pump had put in line was received, or will not be.
    func report(_ pump: InboundRendezvous, _ isTaken: Bool) {
        let mustDrain = state.withLock { state in
            state.effects.append(.run { pump.received(isTaken) })
            return state.mustDrain()
        }
        if mustDrain { drain() }
    }

    /// Sends elements as far as there is credit and returns how many were taken; nil when the channel takes no more.
    func send(_ id: ReferenceID, _ batch: ElementBatch, from start: Int) -> Int? {
        let now = options.clock.now
        let format: PayloadFormat = isText ? .json : .cbor
        return state.withLock { state -> Int? in
            guard state.failure == nil else { return nil }
            var count = 0
            let isOpen = batch.bytes.withUnsafeBytes { bytes -> Bool in
                for index in start..<batch.ends.count {
                    var made: [ReferenceID] = []
                    do throws(SessionError) {
                        var references: [SessionReference] = []
                        if !batch.references.isEmpty, !batch.references[index].isEmpty {
                            let payload = ServicePayload(format: format, bytes: [], references: batch.references[index])
                            references = try self.references(payload, agreed: false, &state, &made)
                        }
                        let element = UnsafeRawBufferPointer(rebasing: bytes[batch.range(index)])
                        guard try state.core.send(id, element: element, references: references) else {
                            for id in made { state.withdraw(id) }
                            return true
                        }
                        count += 1
                    } catch {
                        for id in made { state.withdraw(id) }
                        if error.code == .tooLarge || error.code == .tooMany {
                            state.core.close(id, reason: CloseReason(code: 1, error.message))
                        }
                        return false
                    }
                }
                return true
            }
            settle(&state, now)
            return isOpen ? count : nil
        }
    }

    /// Whether an element may be sent now; when not, its pump is called when it may.
    func mayProduce(_ id: ReferenceID) -> Bool {
        state.withLock { state in state.failure == nil && state.core.mayProduce(id) }
    }

    /// Somebody waits for an element of a rendezvous.
    func demand(_ id: ReferenceID) {
        let now = options.clock.now
        state.withLock { state in
            guard state.failure == nil else { return }
            state.core.demand(id, elements: 1)
            settle(&state, now)
        }
    }

    /// The channel has taken elements: the peer may send as many more.
    func taken(_ id: ReferenceID, elements: Int, bytes: Int) {
        let now = options.clock.now
        state.withLock { state in
            guard state.failure == nil else { return }
            state.core.taken(id, elements: elements, bytes: bytes, now: now)
            settle(&state, now)
        }
    }

    /// Closes a channel end from this side.
    func closeChannel(_ id: ReferenceID, _ reason: CloseReason) {
        let now = options.clock.now
        state.withLock { state in
            guard state.failure == nil else { return }
            state.core.close(id, reason: reason)
            settle(&state, now)
        }
    }
}

extension SessionState {
    /// Whether nobody else does the effects soon: the loop of the link does, where there is one.
    fileprivate func mustDrain() -> Bool {
        guard let attachment else { return hasUrgentEffects }
        attachment.link.wake()
        return false
    }

    func importedChannel(_ id: ReferenceID) -> ImportedChannel? {
        guard !id.isHosted(by: role), let slot = imports.at(id.index), slot.id == id else { return nil }
        return slot.object as? ImportedChannel
    }
}
