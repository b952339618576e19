/// What is planned, the least first: a binary heap.
struct PlanHeap<Element: Comparable> {
    private var elements: [Element] = []

    var minimum: Element? { elements.first }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var index = elements.count - 1
        while index > 0, elements[index] < elements[(index - 1) / 2] {
            elements.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func removeMinimum() {
        elements.swapAt(0, elements.count - 1)
        elements.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < elements.count && elements[child] < elements[least] { least = child }
            guard least != index else { return }
            elements.swapAt(index, least)
            index = least
        }
    }
}
