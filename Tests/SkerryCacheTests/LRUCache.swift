/// Plain least-recently-used, by count: the neighbour that 2Q is compared with.
struct LRUCache {
    let capacity: Int
    private var lastUses: [Int: Int] = [:]
    private var keys: [Int: Int] = [:]
    private var oldest = 0
    private var time = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Whether `key` was there; it is afterwards.
    mutating func access(_ key: Int) -> Bool {
        time += 1
        let hit = lastUses[key] != nil
        if let last = lastUses[key] { keys[last] = nil }
        lastUses[key] = time
        keys[time] = key
        while lastUses.count > capacity {
            if let victim = keys.removeValue(forKey: oldest) { lastUses[victim] = nil }
            oldest += 1
        }
        return hit
    }
}
