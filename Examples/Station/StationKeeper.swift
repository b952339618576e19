import SkerryCSP
import SkerryRPC

/// The station: readings in memory, watchers, alarms.
actor StationKeeper: Station {
    /// Readings that are kept; the oldest go.
    static let readingsMaximum = 10_000

    private var readings: [Reading] = []
    private var watchers: [ObjectIdentifier: (place: String?, sender: Sender<Reading>)] = [:]
    private var alarms: [AlarmSubscription] = []
    private var abandonedCount = 0

    func record(_ reading: Reading) async throws -> Int {
        if readings.count == Self.readingsMaximum { readings.removeFirst() }
        readings.append(reading)
        for watcher in watchers.values where watcher.place ?? reading.place == reading.place {
            // A watcher that is slower than the weather misses readings rather than holding up the others.
            _ = try? watcher.sender.trySend(reading)
        }
        for alarm in alarms { try await alarm.consider(reading) }
        return readings.count
    }

    func latest(_ place: String) async throws -> Reading {
        guard let reading = readings.last(where: { $0.place == place }) else { throw StationError.noSuchPlace(place) }
        return reading
    }

    func watch(_ place: String?, into readings: Sender<Reading>) async throws {
        let gone = Ivar<Void>()
        let key = ObjectIdentifier(gone)
        try readings.onClose { _ in _ = gone.fillIfEmpty(()) }
        watchers[key] = (place, readings)
        defer { watchers[key] = nil }
        try await gone.read()
    }

    func upload(_ readings: Receiver<Reading>) async throws -> Int {
        var count = 0
        for try await reading in readings {
            _ = try await record(reading)
            count += 1
        }
        return count
    }

    func alarm(above temperature: Double, notify listener: ListenerClient) async throws -> SubscriptionClient {
        let alarm = AlarmSubscription(above: temperature, listener)
        alarms.append(alarm)
        return SubscriptionClient(SubscriptionService.reference(to: alarm))
    }

    func handover() async throws -> Handover {
        let channel = Channel<Reading>(.rendezvous)
        return Handover(giving: channel.sender, taking: channel.receiver)
    }

    func mirror(_ picture: [UInt8]) async throws -> [UInt8] { picture.reversed() }

    func wait() async throws {
        do {
            try await Task.sleep(for: .seconds(3_600))
        } catch {
            abandonedCount += 1
            throw error
        }
    }

    func abandoned() async throws -> Int { abandonedCount }
}

/// One alarm, held by whoever asked for it.
actor AlarmSubscription: Subscription {
    private let threshold: Double
    private var listener: ListenerClient?
    private var count = 0

    init(above threshold: Double, _ listener: ListenerClient) {
        self.threshold = threshold
        self.listener = listener
    }

    func consider(_ reading: Reading) async throws {
        guard let listener, reading.temperature > threshold else { return }
        count += 1
        // A listener that is gone no longer wants to know.
        do { try await listener.raised(reading) } catch { self.listener = nil }
    }

    func calls() async throws -> Int { count }

    func listener() async throws -> ListenerClient {
        guard let listener else { throw CallError(.cancelled, "the subscription was cancelled") }
        return listener
    }

    func cancel() async throws { listener = nil }
}
