/// A queue in an array: what was taken leaves when it is half of it.
struct RangeQueue<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { head < elements.count ? elements[head] : nil }
    var all: ArraySlice<Element> { elements[head...] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func replaceFirst(_ element: Element) { elements[head] = element }

    mutating func removeFirst(_ taken: Int = 1) {
        precondition(taken <= count)
        head += taken
        guard head * 2 >= elements.count else { return }
        elements.removeFirst(head)
        head = 0
    }
}
