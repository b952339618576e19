/// The packs that are open for reading, at most ``capacity`` of them; the one unused for longest goes first.
///
/// What falls out stays open as long as somebody holds it.
struct HandleCache<Handle: Sendable>: Sendable {
    let capacity: Int
    private var entries: [UInt64: (handle: Handle, lastUse: UInt64)] = [:]
    private var clock: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    /// - Complexity: O(1).
    mutating func handle(for pack: UInt64) -> Handle? {
        guard let index = entries.index(forKey: pack) else { return nil }
        clock += 1
        entries.values[index].lastUse = clock
        return entries.values[index].handle
    }

    /// Adds the handle, or gives the one that another thread added meanwhile.
    ///
    /// - Complexity: O(``capacity``) when full; opening the file costs more.
    mutating func insert(_ handle: Handle, for pack: UInt64) -> Handle {
        if let present = self.handle(for: pack) { return present }
        if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries[oldest.key] = nil
        }
        clock += 1
        entries[pack] = (handle, clock)
        return handle
    }

    mutating func remove(_ pack: UInt64) { entries[pack] = nil }

    mutating func removeAll() { entries.removeAll() }
}
