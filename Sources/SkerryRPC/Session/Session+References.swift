import SkerryCSP
import SkerrySession

// References between the tables of the core and objects. All under the lock of the session.

extension Session {
    /// The table of references for a payload that is about to be sent. Ids that were made for it are added to `made`.
    ///
    /// - Parameters:
    ///   - agreed: both sides know the shape of the payload, so elements of its channels may be binary.
    ///   - mayPromise: the payload is that of a call, so it may name what an earlier call is about to return.
    func references(
        _ payload: ServicePayload, agreed: Bool, mayPromise: Bool = false, _ state: inout SessionState, _ made: inout [ReferenceID]
    ) throws(SessionError) -> [SessionReference] {
        guard !payload.references.isEmpty else { return [] }
        let format: PayloadFormat = payload.format == .json ? .json : agreed ? .bin : .cbor
        var references: [SessionReference] = []
        references.reserveCapacity(payload.references.count)
        for object in payload.references { references.append(try reference(to: object, format: format, mayPromise, &state, &made)) }
        return references
    }

    private func reference(
        to object: any AnyObject & Sendable, format: PayloadFormat, _ mayPromise: Bool, _ state: inout SessionState,
        _ made: inout [ReferenceID]
    ) throws(SessionError) -> SessionReference {
        if let reference = object as? Reference {
            if let promised = reference.target as? PromisedTarget, promised.session === self,
                let reference = try self.reference(to: promised.result, mayPromise)
            {
                return reference
            }
            // What the peer hosts goes home as itself; only the root has no name of its own.
            if let remote = reference.target as? RemoteTarget, remote.session === self, remote.id != .root { return .service(remote.id) }
            let target = reference.target
            let key = ExportKey.service(ObjectIdentifier(target))
            if let id = state.exported[key] { return .service(id) }
            return .service(try export(.service, key, .service(target), &state, &made))
        }
        guard let end = object as? ChannelEnd else { return .null }
        if let imported = end.imported, imported.session === self { return imported.reference }
        let local = end.local
        if let id = state.exported[local.key] { return local.reference(id) }
        let id = try state.core.export(local.kind, isRendezvous: local.isRendezvous)
        made.append(id)
        let pump = local.makePump(self, id, format)
        state.exports.place(SessionState.Export(id: id, key: local.key, object: .channel(pump)), at: id.index)
        state.exported[local.key] = id
        state.effects.append(.pump(pump))
        return local.reference(id)
    }

    /// What a promise of this session is called in a payload; nil when it has to travel as an object of this side.
    private func reference(to result: PromisedResult, _ mayPromise: Bool) throws(SessionError) -> SessionReference? {
        if let failure = result.failure { throw SessionError(.unknownReference, failure.message) }
        switch result.destination(in: self) {
        case .reference(let id): return .service(id)
        case .promise(let question, let index): return mayPromise ? .promise(question, index: index) : nil
        case nil: throw SessionError(.unknownReference, "\(result.method.callName) was not called")
        }
    }

    private func export(
        _ kind: SessionReference.Kind, _ key: ExportKey, _ object: SessionState.Export.Object, _ state: inout SessionState,
        _ made: inout [ReferenceID]
    ) throws(SessionError) -> ReferenceID {
        let id = try state.core.export(kind)
        made.append(id)
        state.exports.place(SessionState.Export(id: id, key: key, object: object), at: id.index)
        state.exported[key] = id
        return id
    }

    /// The objects for references that came: proxies for what the peer hosts, the originals for what comes home.
    ///
    /// - Parameter format: how this side writes elements into channels it meets for the first time.
    func claim(_ references: [SessionReference], format: PayloadFormat, _ state: inout SessionState) -> [any AnyObject & Sendable] {
        references.map { reference in
            switch reference.kind {
            case .null: Reference.nothing
            case .service: Reference(target: service(reference.id, &state))
            case .sender, .receiver: channel(reference, format, &state)
            }
        }
    }

    private func service(_ id: ReferenceID, _ state: inout SessionState) -> any ReferenceTarget {
        if id.isHosted(by: state.role) {
            guard let export = state.exports.at(id.index), export.id == id, case .service(let target) = export.object else {
                return NothingTarget.shared
            }
            return target
        }
        if let slot = state.imports.at(id.index), slot.id == id, let target = slot.object as? RemoteTarget {
            target.introductions += 1
            return target
        }
        let target = RemoteTarget(self, id)
        state.imports.place(SessionState.Import(id: id, object: target), at: id.index)
        return target
    }

    /// A proxy for an object of the peer that the peer calls, because what this side promised it turned out to be that. The kept reply holds the object,
    /// and nothing introduced it for this.
    func borrowed(_ id: ReferenceID, _ state: inout SessionState) -> RemoteTarget? {
        guard id != .root, !id.isHosted(by: state.role) else { return nil }
        let target = RemoteTarget(self, id)
        target.introductions = 0
        state.imports.place(SessionState.Import(id: id, object: target), at: id.index)
        return target
    }

    private func channel(
        _ reference: SessionReference, _ format: PayloadFormat, _ state: inout SessionState
    ) -> any AnyObject & Sendable {
        let id = reference.id
        if id.isHosted(by: state.role) {
            guard let export = state.exports.at(id.index), export.id == id, case .channel(let pump) = export.object,
                let end = pump.end
            else { return Reference.nothing }
            return end
        }
        if let slot = state.imports.at(id.index), slot.id == id, let channel = slot.object as? ImportedChannel {
            channel.introductions += 1
            return channel
        }
        let channel = ImportedChannel(self, reference, format)
        state.imports.place(SessionState.Import(id: id, object: channel), at: id.index)
        return channel
    }

    /// A proxy is gone: the peer may let go of what it stood for.
    func release(_ id: ReferenceID, introductions: Int) {
        guard id != .root else { return }
        let now = options.clock.now
        let mustDrain = state.withLock { state in
            if let slot = state.imports.at(id.index), slot.id == id {
                if let successor = slot.object {
                    // Introduced again meanwhile. This may be the last reference to it, so it must not go under the lock.
                    state.effects.append(.drop(successor))
                } else {
                    state.imports[id.index] = nil
                }
            }
            if state.failure == nil {
                state.core.release(id, introductions: introductions)
                settle(&state, now)
            }
            return state.hasUrgentEffects
        }
        if mustDrain { drain() }
    }
}
