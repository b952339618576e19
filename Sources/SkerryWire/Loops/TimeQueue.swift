internal import SkerrySession

/// Values in the order of their time, and of their insertion where times are equal: a binary heap.
///
/// - Complexity: O(log n) to insert and to take.
struct TimeQueue<Value> {
    struct Entry {
        var time: Moment
        var value: Value
        fileprivate var number: UInt64

        fileprivate func comes(before other: Entry) -> Bool {
            (time, number) < (other.time, other.number)
        }
    }

    private var heap: [Entry] = []
    private var count: UInt64 = 0

    var first: Entry? { heap.first }

    mutating func insert(_ value: Value, at time: Moment) {
        heap.append(Entry(time: time, value: value, number: count))
        count += 1
        var child = heap.count - 1
        while child > 0, heap[child].comes(before: heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> Entry? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let entry = heap.removeLast()
        var parent = 0
        while let child = smallerChild(of: parent), heap[child].comes(before: heap[parent]) {
            heap.swapAt(parent, child)
            parent = child
        }
        return entry
    }

    mutating func removeAll() {
        heap.removeAll()
    }

    private func smallerChild(of parent: Int) -> Int? {
        let left = 2 * parent + 1
        guard left < heap.count else { return nil }
        let right = left + 1
        return right < heap.count && heap[right].comes(before: heap[left]) ? right : left
    }
}
