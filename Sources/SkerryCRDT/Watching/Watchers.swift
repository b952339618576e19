import Synchronization

/// Who is told of a document's changes.
struct Watchers: ~Copyable {
    struct Watcher {
        /// Gets the number of the change and the change.
        var body: @Sendable (UInt64, DocumentChange) -> Void
        /// It is told of changes with a larger number.
        var since: UInt64
    }

    var bodies: [UInt64: Watcher] = [:]
    var next: UInt64 = 0
    /// True while some thread tells them; another that changes the document meanwhile leaves its news to that thread.
    var isDelivering = false
}

/// A standing wish to be told of changes; it ends with ``cancel()`` or when the last reference goes.
public final class Observation: Sendable {
    private let document: Document
    private let number: UInt64

    init(document: Document, number: UInt64) {
        self.document = document
        self.number = number
    }

    deinit { cancel() }

    /// Ends it. A notice under way on another thread may still arrive.
    public func cancel() { document.forget(number) }
}

extension Document {
    /// Calls the body after every change from now on, in order, none left out.
    ///
    /// The body runs on a thread that changed the document, outside its lock: it may read and change the document. What it changes is
    /// told after it returns.
    public func observe(_ body: @escaping @Sendable (DocumentChange) -> Void) -> Observation {
        observeNumbered(reading: { _ in () }, { _, change in body(change) }).observation
    }

    /// As ``observe(_:)``, with the number of each change, and with what the document says that the first change builds on.
    func observeNumbered<R: Sendable>(
        reading: (inout DocumentCore) -> R, _ body: @escaping @Sendable (UInt64, DocumentChange) -> Void
    ) -> (observation: Observation, value: R) {
        // The core's lock is taken first wherever both are held.
        let (number, value) = withCore { core in
            if !core.isWatched {
                core.isWatched = true
                core.beginTellingMarks()
            }
            let number = watchers.withLock { watchers -> UInt64 in
                watchers.next += 1
                watchers.bodies[watchers.next] = Watchers.Watcher(body: body, since: core.published)
                return watchers.next
            }
            return (number, reading(&core))
        }
        return (Observation(document: self, number: number), value)
    }

    func forget(_ number: UInt64) {
        withCore { core in
            let isLast = watchers.withLock { watchers in
                watchers.bodies[number] = nil
                return watchers.bodies.isEmpty
            }
            if isLast {
                core.isWatched = false
                for slot in 0..<core.texts.count where core.texts[slot].marks.told != nil { core.texts[slot].marks.told = nil }
                core.outbox.removeAll()
            }
        }
    }

    /// Tells the watchers what is in the outbox.
    func deliver() {
        repeat {
            let isBusy = watchers.withLock { watchers in
                if watchers.isDelivering || watchers.bodies.isEmpty { return true }
                watchers.isDelivering = true
                return false
            }
            if isBusy { return }
            while tellSome() {}
            watchers.withLock { $0.isDelivering = false }
            // A thread that changed the document after the last look found this one busy and went away.
        } while withCore { !$0.outbox.isEmpty }
    }

    /// Tells the watchers what is in the outbox now; false when it was empty.
    private func tellSome() -> Bool {
        let changes = withCore { core in
            let changes = core.outbox
            core.outbox.removeAll()
            return changes
        }
        if changes.isEmpty { return false }
        let told = watchers.withLock { watchers in watchers.bodies.sorted { $0.key < $1.key }.map(\.value) }
        for (number, change) in changes { for watcher in told where watcher.since < number { watcher.body(number, change) } }
        return true
    }
}
