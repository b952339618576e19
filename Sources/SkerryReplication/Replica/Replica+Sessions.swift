internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryMerge
internal import SkerryWire
internal import Synchronization

extension Replica {
    // MARK: - Begin

    /// Begins a session whose transport follows.
    func open(_ options: ReplicaOptions, isLossy: Bool = false, gathers: Bool = false) throws(ReplicaError) -> ReplicaSession {
        let size = options.metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard options.metadata.count <= ReplicaOptions.metadataMaximum, size <= ReplicaOptions.metadataSizeMaximum else {
            throw ReplicaError(.invalid, "metadata of \(options.metadata.count) pairs and \(size) bytes")
        }
        guard !isLossy || options.direction == .both else {
            throw ReplicaError(.invalid, "what goes one way needs a stream that loses nothing")
        }
        let now = configuration.now()
        var random = SystemRandomNumberGenerator()
        let (number, tag) = (UInt32.random(in: 1 ... .max, using: &random), UInt32.random(in: .min ... .max, using: &random))
        return try state.withLock { state throws(ReplicaError) in
            if state.isDisposed { throw ReplicaError(.disposed, "the replica was disposed of") }
            if let failure = state.failure { throw ReplicaError(.storeFailed, failure) }
            if options.direction == .readOnly, state.members?.isAway ?? false {
                throw ReplicaError(.invalid, "a replica that is no member yet takes nothing one way: it has to meet a member first")
            }
            let id = state.nextSession
            state.nextSession += 1
            let handle = ReplicaSession(id: ReplicaSessionID(rawValue: id)) { [weak self] error in self?.close(id, error) }
            var session = SessionState(handle: handle, options: options, isLossy: isLossy, tag: tag, now: now.monotonic)
            session.openedEmpty = state.core.marks.isEmpty
            // Only links gather.
            session.isPushed = gathers
            session.isHasty = true
            session.feedSession = number
            session.put(ReplicaMessage.header(header(options, session)).encoded)
            state.sessions[id] = session
            state.statistics.sessionsEver += 1
            if options.direction == .both, state.members?.isAway != true {
                do throws(ReplicaError) { try attach(id, &state, now) } catch {
                    state.sessions[id] = nil
                    throw error
                }
            }
            serveHistories(&state)
            startTicking(&state)
            return handle
        }
    }

    /// Lets a session take part in feeds.
    func attach(_ id: UInt32, _ state: inout State, _ now: FeedInstant) throws(ReplicaError) {
        guard let session = state.sessions[id] else { return }
        do throws(FeedError) {
            // Where packets may be lost the session makes a stream of them.
            try state.core.attach(
                FeedPeerID(rawValue: id), session: session.feedSession, isOrdered: true, gathers: session.isPushed, now: now,
                into: &state.actions)
        } catch {
            throw ReplicaError(.refused, "\(error)", feed: error)
        }
        state.sessions[id]?.isAttached = true
        settle(&state, now)
    }

    private func header(_ options: ReplicaOptions, _ session: SessionState) -> ReplicaHeader {
        let metadata = options.metadata.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
        return ReplicaHeader(
            cluster: identity.cluster, origin: identity.origin, direction: options.direction, tail: options.tail,
            isEmpty: session.openedEmpty, tag: session.nextTag, metadata: metadata.map { ($0.key, $0.value) })
    }

    // MARK: - What comes

    /// Bytes of a session's peer.
    func received(_ bytes: UnsafeRawBufferPointer, at id: UInt32) {
        guard !bytes.isEmpty else { return }
        let now = configuration.now()
        let failure = state.withLock { state -> ReplicaError? in
            guard state.sessions[id].map({ $0.options.direction != .writeOnly && (!$0.isClosing || $0.packets != nil) }) ?? false else {
                return nil
            }
            let (messages, failure) = messages(in: bytes, at: id, &state, now)
            guard state.sessions[id]?.isClosing == false else {
                // All that still matters is whether both have said all.
                if messages.contains([ReplicaMessage.Kind.end.rawValue]) { state.sessions[id]?.heardEnd = true }
                return nil
            }
            // What came whole before the damage counts.
            for message in messages {
                do throws(ReplicaError) { try take(message, at: id, &state, now) } catch { return error }
                guard state.sessions[id]?.isClosing == false else { break }
            }
            if let session = state.sessions[id], !session.isSynchronised { state.sessions[id]?.isHasty = true }
            return failure
        }
        if let failure { end(id, failure) }
        settle()
    }

    /// The messages that bytes of a stream, or a packet where packets may be lost, make whole, and what is wrong with what follows them.
    private func messages(
        in bytes: UnsafeRawBufferPointer, at id: UInt32, _ state: inout State, _ now: FeedInstant
    ) -> ([[UInt8]], ReplicaError?) {
        // Taken out, so that nothing of it is copied when it grows.
        guard var session = state.sessions.removeValue(forKey: id) else { return ([], nil) }
        var messages: [[UInt8]] = []
        var failure: ReplicaError?
        func read(_ bytes: UnsafeRawBufferPointer) {
            do throws(HistoryError) { try session.framing.read(bytes) { messages.append($0) } } catch {
                failure = failure ?? ReplicaError(.protocolViolation, "\(error)")
            }
        }
        if var packets = session.packets.take() {
            session.heardAt = now.monotonic
            packets.receive(bytes, now: now.monotonic) { piece in if failure == nil { piece.withUnsafeBytes(read) } }
            session.packets = packets
            session.needsWake = true
        } else {
            read(bytes)
        }
        state.sessions[id] = session
        return (messages, failure)
    }

    /// - Parameter isChecked: whether it stood behind a checksum that was right.
    private func take(
        _ message: [UInt8], at id: UInt32, _ state: inout State, _ now: FeedInstant, isChecked: Bool = false
    ) throws(ReplicaError) {
        guard let session = state.sessions[id], let kind = message.first else { return }
        guard session.header != nil || kind == ReplicaMessage.Kind.header.rawValue else {
            throw ReplicaError(.protocolViolation, "a session begins with a header")
        }
        // On a stream that may be a file a turned bit must not make another message of one.
        if session.header?.direction == .writeOnly, !isChecked, kind != ReplicaMessage.Kind.checked.rawValue {
            throw ReplicaError(.protocolViolation, "a message without a checksum")
        }
        switch kind {
        case 1...4: takeFeed(message, at: id, &state, now)
        case 5: try takeSubscription(message, at: id, &state)
        case 6: try takeHistory(message, at: id, &state, now)
        default:
            let decoded: ReplicaMessage
            do throws(FormatError) { decoded = try ReplicaMessage(decoding: message) } catch {
                throw ReplicaError(.protocolViolation, "\(error)")
            }
            switch decoded {
            case .header(let header): try take(header, at: id, &state)
            case .request(let tag, let dots): takeRequest(tag, dots, at: id, &state, now)
            case .marks(let tag, let isLast, let marks): try takeMarks(marks, tag, isLast, at: id, &state, now)
            case .join(let tag, let request): takeJoin(tag, request, at: id, &state, now)
            case .registry(let tag, let isLast, let records, let superseded):
                try takeRegistry(tag, isLast, records, superseded, at: id, &state)
            case .turnedAway(let tag, let refusal): takeRefusal(tag, refusal, at: id, &state, now)
            case .checked(let inner):
                guard inner.first != ReplicaMessage.Kind.checked.rawValue else {
                    throw ReplicaError(.protocolViolation, "a checksum of a checksum")
                }
                try take(inner, at: id, &state, now, isChecked: true)
            case .end:
                guard session.packets != nil else { throw ReplicaError(.protocolViolation, "a stream says its end by ending") }
                state.sessions[id]?.heardEnd = true
                close(id, nil, &state)
            }
        }
    }

    func takeFeed(_ message: [UInt8], at id: UInt32, _ state: inout State, _ now: FeedInstant) {
        guard let session = state.sessions[id], session.options.direction == .both else { return }
        guard session.isAttached else {
            if session.early.count < SessionState.earlyMaximum { state.sessions[id]?.early.append(message) }
            return
        }
        message.withUnsafeBytes { bytes in
            state.core.receive(bytes, from: FeedPeerID(rawValue: id), now: now, into: &state.actions)
        }
        settle(&state, now)
    }

    private func take(_ header: ReplicaHeader, at id: UInt32, _ state: inout State) throws(ReplicaError) {
        guard let session = state.sessions[id], session.header == nil else {
            throw ReplicaError(.protocolViolation, "a second header")
        }
        guard header.cluster == identity.cluster else { throw ReplicaError(.refused, "the peer belongs to another cluster") }
        state.sessions[id]?.header = header
        session.handle.heard(Dictionary(header.metadata.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }))
        if header.direction == .writeOnly || session.options.direction == .readOnly {
            state.sessions[id]?.reception = HistoryReception(unaskedWith: header.tag, trust: configuration.trust)
        }
        if let members = state.members, members.isAway, members.host == nil, header.direction == .both,
            session.options.direction == .both
        {
            askHost(id, &state, configuration.now())
        }
    }

    // MARK: - What goes

    func send(_ message: [UInt8], to id: UInt32, _ state: inout State) {
        guard state.sessions[id]?.isClosing == false else { return }
        state.sessions[id]?.put(message)
        if let size = state.sessions[id]?.outboxSize, size > Self.outboxMaximum {
            close(id, ReplicaError(.overloaded, "\(size) bytes wait for a peer that takes nothing"), &state)
        }
    }

    /// What a transport writes next.
    func output(of id: UInt32, atMost maximum: Int) -> SessionState.Output {
        let now = configuration.now().monotonic
        let (output, isAsking) = state.withLock { state -> (SessionState.Output, Bool) in
            let output = self.nextOutput(of: id, atMost: maximum, now, &state)
            return (output, (state.sessions[id]?.transfer?.isReading ?? false) && !state.isWorking && !state.work.isEmpty)
        }
        // Not on the thread of the transport, which may not like to be woken while it asks.
        if isAsking { Task { self.settle() } }
        return output
    }

    private func nextOutput(of id: UInt32, atMost maximum: Int, _ now: UInt64, _ state: inout State) -> SessionState.Output {
        guard state.sessions[id] != nil else { return .end }
        if state.sessions[id]?.isClosing == false {
            pumpTransfer(id, &state)
            serveOneWay(id, &state)
        }
        let bytes = state.sessions[id]?.take(atMost: maximum, now: now) ?? []
        guard bytes.isEmpty else { return .bytes(bytes) }
        guard let session = state.sessions[id], !(session.isClosing && session.isSettled) else { return .end }
        return .nothingYet
    }

    // MARK: - End

    /// Both sides were equal.
    func synchronised(_ id: UInt32, _ state: inout State, _ now: FeedInstant) {
        guard let session = state.sessions[id], !session.isSynchronised else { return }
        state.sessions[id]?.isSynchronised = true
        events.add(.synchronised(session.handle.id))
        session.handle.becameSynchronised()
        guard !session.options.tail, !session.isClosing else { return }
        guard session.options.direction == .both else { return close(id, nil, &state) }
        // The peer must hear that nothing is lacking here, or it waits for it.
        state.core.tick(now: now, into: &state.actions)
        state.completed.append(id)
    }

    /// Lets a session end when what waits is written.
    func close(_ id: UInt32, _ error: ReplicaError?) {
        state.withLock { close(id, error, &$0) }
        settle()
    }

    func close(_ id: UInt32, _ error: ReplicaError?, _ state: inout State) {
        guard state.sessions[id]?.isClosing == false else { return }
        if state.sessions[id]?.packets != nil { state.sessions[id]?.put(ReplicaMessage.end.encoded) }
        state.sessions[id]?.isClosing = true
        state.sessions[id]?.closingSince = configuration.now().monotonic
        state.sessions[id]?.closingError = error
        state.sessions[id]?.needsWake = true
        state.core.detach(FeedPeerID(rawValue: id))
        if state.sessions[id]?.options.direction == .readOnly, let handle = state.sessions[id]?.handle { handle.stopReading() }
    }

    /// A session is over.
    ///
    /// - Parameter isEndOfInput: whether the peer ended it by ending the stream.
    func end(_ id: UInt32, _ error: ReplicaError?, isEndOfInput: Bool = false) {
        let ended = state.withLock { state -> (ReplicaSession, ReplicaError?, CheckedContinuation<Void, Never>?)? in
            guard let session = state.sessions.removeValue(forKey: id) else { return nil }
            state.core.detach(FeedPeerID(rawValue: id))
            var error = session.closingError ?? (session.isClosing ? nil : error)
            if isEndOfInput, session.framing.isAmidMessage, !session.isClosing {
                session.handle.tore()
                if session.options.direction != .readOnly {
                    error =
                        error
                        ?? ReplicaError(.disconnected, "the stream ends amid a message", link: LinkError(.truncated, "amid a message"))
                }
            }
            events.add(.ended(session.handle.id, error))
            return (session.handle, error, session.roomWaiter)
        }
        guard let (handle, error, waiter) = ended else { return }
        waiter?.resume()
        handle.finish(error)
        settle()
    }
}
