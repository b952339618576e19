import Synchronization

/// A replicated document: texts, lists, maps, counters, sets and registers that any number of replicas change at will and that converge.
///
/// Synchronous, because a user interface cannot wait: reads and changes take a lock for as long as they run, and nothing in here does I/O.
/// Every change is an event that knows what it had seen; merging is the union of events, and what they say together is a function of
/// that set alone.
///
/// - Important: an origin names one replica in one life. A replica restored from a backup takes a new one, or its events collide.
public final class Document: Sendable {
    let core: Mutex<DocumentCore>
    let watchers = Mutex(Watchers())

    /// This replica's name in versions and events.
    public let origin: OriginID

    /// An empty document.
    ///
    /// - Parameter now: wall time in milliseconds since 1970, for the stamps that settle concurrent writes; asked under the lock.
    public init(origin: OriginID, now: @escaping @Sendable () -> UInt64 = WallClock.milliseconds) {
        self.origin = origin
        core = Mutex(DocumentCore(origin: origin, now: now))
    }

    init(core: consuming DocumentCore) {
        origin = core.origin
        self.core = Mutex(core)
    }

    /// Runs a body under the lock.
    func withCore<R: Sendable, E: Error>(_ body: (inout DocumentCore) throws(E) -> R) throws(E) -> R {
        // The lock takes no typed throws, so errors travel as values.
        let outcome = core.withLock { core -> Result<R, E> in
            do throws(E) { return .success(try body(&core)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    // MARK: - Changing

    /// Makes a change: one commit, seen by others whole or not at all, taken back when the body throws.
    ///
    /// The body runs once, under the document's lock: it must not call the document again except through its argument.
    @inlinable
    public func change<R, E: Error>(_ body: (Change) throws(E) -> R) throws(E) -> R {
        var outcome: Result<R, E>?
        transact { change in
            do throws(E) {
                outcome = .success(try body(change))
                return true
            } catch {
                outcome = .failure(error)
                return false
            }
        }
        return try outcome!.get()
    }

    /// Runs a body as a change, kept when it returns true.
    @usableFromInline
    func transact(_ body: (Change) -> Bool) {
        core.withLock { core in
            core.beginChange()
            let isKept = withUnsafeMutablePointer(to: &core) { pointer in
                body(Change(document: self, core: pointer, serial: pointer.pointee.changeSerial))
            }
            if isKept { core.finishChange() } else { core.abandonChange() }
            core.isChanging = false
        }
        deliver()
    }

    // MARK: - Versions

    /// How much of each origin this replica has.
    public var version: CausalContext { withCore { $0.version } }

    /// The events nobody has followed yet: the version in its shortest form.
    public var heads: [Dot] { withCore { $0.graph.headDots.sorted() } }

    /// Takes in decoded events.
    func apply(_ batch: borrowing ChangeBatch, isOwn: Bool = false) throws(DocumentError) -> ImportResult {
        // A noncopyable borrow cannot be captured, so the lock's closure gets at it through a pointer.
        let result = try withUnsafePointer(to: batch) { batch throws(DocumentError) in
            try withCore { core throws(DocumentError) in try core.take(batch.pointee, isOwn: isOwn) }
        }
        deliver()
        return result
    }
}

extension DocumentCore {
    mutating func beginChange() {
        changeSerial += 1
        isChanging = true
        beginCheckpoint()
        journal.removeAll()
    }

    mutating func finishChange() {
        if undo != nil { recordUndo() }
        // An own event follows everything here, so no tracker is needed any more.
        for index in 0..<journal.entries.count { releaseTracker(of: journal.entries[index].container, afterBatchOf: 0) }
        publish(.local)
    }
}
