/// Doubly linked lists whose nodes share one array and are named by their index in it: no object and no reference count for a node.
///
/// A node is in one list from its insertion to its removal; its place is then used again.
struct NodeLists<Element: Sendable>: Sendable {
    /// A list's ends, kept by its owner.
    struct List: Sendable {
        fileprivate(set) var first: Int?
        fileprivate(set) var last: Int?
        fileprivate(set) var count = 0

        var isEmpty: Bool { count == 0 }
    }

    private struct Place: Sendable {
        /// `nil` while the place is free.
        var element: Element?
        var previous: Int?
        /// Of a free place: the next free one.
        var next: Int?
    }

    private var places: [Place] = []
    private var firstFree: Int?

    /// The element at `index`, which is in a list.
    subscript(index: Int) -> Element {
        guard let element = places[index].element else { preconditionFailure("place \(index) is free") }
        return element
    }

    /// Puts a new node at the front of `list`; returns its index.
    mutating func prepend(_ element: Element, to list: inout List) -> Int {
        let index: Int
        if let free = firstFree {
            index = free
            firstFree = places[free].next
            places[free].element = element
        } else {
            index = places.count
            places.append(Place(element: element))
        }
        link(index, atFrontOf: &list)
        return index
    }

    /// Takes the node out of `list`, which it must be in; its place is free afterwards.
    mutating func remove(_ index: Int, from list: inout List) -> Element {
        let element = self[index]
        unlink(index, from: &list)
        places[index] = Place(next: firstFree)
        firstFree = index
        return element
    }

    /// Makes the node the first of `list`, which it must be in.
    mutating func moveToFront(_ index: Int, of list: inout List) {
        guard list.first != index else { return }
        unlink(index, from: &list)
        link(index, atFrontOf: &list)
    }

    /// The nodes of `list` from front to back; for checks.
    func indices(of list: List) -> [Int] {
        Array(
            sequence(state: list.first) { next -> Int? in
                guard let index = next else { return nil }
                next = places[index].next
                return index
            })
    }

    private mutating func link(_ index: Int, atFrontOf list: inout List) {
        places[index].previous = nil
        places[index].next = list.first
        if let first = list.first { places[first].previous = index } else { list.last = index }
        list.first = index
        list.count += 1
    }

    private mutating func unlink(_ index: Int, from list: inout List) {
        let (previous, next) = (places[index].previous, places[index].next)
        if let previous { places[previous].next = next } else { list.first = next }
        if let next { places[next].previous = previous } else { list.last = previous }
        list.count -= 1
    }
}
