/// Full 2Q as the paper prints it, on plain arrays: slow, short, and what ``TwoQueueCache`` must agree with.
struct TwoQueueModel {
    struct Entry: Equatable {
        let key: Int
        var value: Int
        var charge: Int
    }

    let capacity: Int
    let ghostMaximum: Int
    /// Newest first, all three.
    var a1In: [Entry] = []
    var a1Out: [Entry] = []
    var am: [Entry] = []

    var charge: Int { (a1In + am).reduce(0) { $0 + $1.charge } }

    mutating func value(for key: Int) -> Int? {
        if let index = am.firstIndex(where: { $0.key == key }) {
            let entry = am.remove(at: index)
            am.insert(entry, at: 0)
            return entry.value
        }
        return a1In.first { $0.key == key }?.value
    }

    mutating func insert(_ value: Int, for key: Int, charge: Int) -> Bool {
        let stays = a1In.contains { $0.key == key } || !(a1Out + am).contains { $0.key == key }
        for queue in [\TwoQueueModel.a1In, \.a1Out, \.am] { self[keyPath: queue].removeAll { $0.key == key } }
        guard charge <= capacity else { return false }
        while self.charge + charge > capacity {
            if a1In.reduce(0, { $0 + $1.charge }) > capacity / 4 || am.isEmpty {
                remember(a1In.removeLast())
            } else {
                am.removeLast()
            }
        }
        let entry = Entry(key: key, value: value, charge: charge)
        if stays { a1In.insert(entry, at: 0) } else { am.insert(entry, at: 0) }
        return true
    }

    mutating func invalidate(_ key: Int) {
        a1In.removeAll { $0.key == key }
        if let index = am.firstIndex(where: { $0.key == key }) { remember(am.remove(at: index)) }
    }

    private mutating func remember(_ entry: Entry) {
        a1Out.insert(entry, at: 0)
        while a1Out.count > ghostMaximum || a1Out.reduce(0, { $0 + $1.charge }) > capacity / 2 { a1Out.removeLast() }
    }
}
