/// Puts things in the order of the events that made them, which are numbered from 0; no event made two.
struct EventPlaces: ~Copyable {
    private struct Item: BitwiseCopyable, Sendable, Comparable {
        var event: UInt32
        var place: UInt32

        static func < (left: Item, right: Item) -> Bool { left.event < right.event }
    }

    /// By event, where there are few for each thing: one more than the place of its thing, 0 for none.
    private var places = RawArray<UInt32>()
    private var items = RawArray<Item>()
    private let isDense: Bool
    private var count = 0

    /// - Parameters:
    ///   - count: things.
    ///   - events: one more than the largest number.
    init(count: Int, events: Int) {
        isDense = events <= 16 * count
        if isDense { places.append(repeating: 0, count: events) } else { items.reserve(count) }
    }

    /// Adds the next thing.
    @inline(__always)
    mutating func add(_ event: UInt32) {
        if isDense { places[Int(event)] = UInt32(count) + 1 } else { items.append(Item(event: event, place: UInt32(count))) }
        count += 1
    }

    /// Calls the body with the places of the things, those that were added first from 0. O(n), or O(n log n) when events are many more.
    consuming func forEach(_ body: (_ place: Int) -> Void) {
        if isDense {
            for place in places.elements where place != 0 { body(Int(place) - 1) }
        } else {
            for item in items.elements.sorted() { body(Int(item.place)) }
        }
    }
}
