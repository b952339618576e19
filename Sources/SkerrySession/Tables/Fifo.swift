/// A queue in an array: the front is a mark, and the taken places are removed when they are the larger part.
struct Fifo<Element: Sendable>: Sendable {
    private var storage: [Element] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { storage.count == head }
    var first: Element? { head < storage.count ? storage[head] : nil }
    /// From front to back.
    var elements: ArraySlice<Element> { storage[head...] }

    /// By distance from the front.
    subscript(index: Int) -> Element {
        get { storage[head + index] }
        _modify { yield &storage[head + index] }
    }

    mutating func append(_ element: Element) { storage.append(element) }

    /// Puts elements before the front, in their order.
    mutating func prepend(_ elements: ArraySlice<Element>) {
        storage.replaceSubrange(..<head, with: elements)
        head = 0
    }

    mutating func popFirst() -> Element? {
        guard head < storage.count else { return nil }
        let element = storage[head]
        removeFirst(1)
        return element
    }

    mutating func removeFirst(_ count: Int) {
        head += count
        if head == storage.count {
            storage.removeAll(keepingCapacity: storage.count <= 1_024)
            head = 0
        } else if head > 32, head * 2 > storage.count {
            storage.removeFirst(head)
            head = 0
        }
    }

    /// The index of the last element, by distance from the front.
    var lastIndex: Int? { isEmpty ? nil : count - 1 }

    mutating func removeAll(where isRemoved: (Element) -> Bool) {
        storage.removeFirst(head)
        head = 0
        storage.removeAll(where: isRemoved)
    }

    mutating func removeAll() {
        storage.removeAll()
        head = 0
    }
}
