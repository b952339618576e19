import SkerryCSP
public import SkerrySession

extension Session {
    /// Figures of a session, taken at one moment.
    public struct Statistics: Sendable, Hashable {
        /// What the core counts: packets, calls, elements, table sizes.
        public var core: SessionStatistics
        /// Calls of this side that wait for a place among those in flight.
        public var callersWaiting = 0
        /// Handlers that have begun and not ended.
        public var handlersRunning = 0
        /// Objects of this side that the peer may call.
        public var servicesExported = 0
        /// Channel ends of this side that the peer holds.
        public var channelsExported = 0
        /// Proxies for objects of the peer that somebody holds here, the root not counted.
        public var servicesImported = 0
        /// Proxies for channel ends of the peer.
        public var channelsImported = 0
        /// Times that handlers held up the loop for longer than ``SessionOptions/stallThreshold``.
        public var stalls: UInt64 = 0
        public var longestStall = Duration.zero
        /// The method that was called at the latest stall.
        public var lastStalled = ""

        init(_ core: SessionStatistics) {
            self.core = core
        }
    }

    public var statistics: Statistics {
        // Kept until after the lock: each may be the last reference.
        var held: [any ImportedObject] = []
        let statistics = state.withLock { state in
            var statistics = Statistics(state.core.statistics)
            statistics.callersWaiting = state.waiting.count
            statistics.handlersRunning = state.answers.count { $0 != nil }
            for case let export? in state.exports {
                if case .service = export.object { statistics.servicesExported += 1 } else { statistics.channelsExported += 1 }
            }
            for slot in state.imports {
                guard let object = slot?.object else { continue }
                held.append(object)
                if object is RemoteTarget { statistics.servicesImported += 1 } else { statistics.channelsImported += 1 }
            }
            statistics.stalls = state.stalls
            statistics.longestStall = state.longestStall
            statistics.lastStalled = state.lastStalled
            return statistics
        }
        withExtendedLifetime(held) {}
        return statistics
    }

    /// All references that have crossed the session and live, by id: kind, host, introductions, credits and windows of channels.
    public var references: [ReferenceDescription] { state.withLock { $0.core.references() } }
}
