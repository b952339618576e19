/// Sets are written in ascending order, so that equal sets have equal bytes; strings in the order of their UTF-8.
extension Set: Shaped where Element: Shaped & Comparable {
    public static var shape: Shape { .set(Element.shape) }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var list = try writer.beginList(count: count)
        for element in sorted(by: KeyOrder.precedes) { try writer.element(element, in: &list) }
        try writer.endList(&list)
    }

    /// - Throws: ``ShapeError/Code/duplicateField`` when an element stands there twice.
    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Set<Element> {
        var list = try reader.beginList()
        var elements = Set<Element>(minimumCapacity: list.reservation(for: Element.self))
        while true {
            let start = reader.offset
            guard try reader.nextElement(&list) else { return elements }
            guard elements.insert(try reader.element(Element.self, in: list)).inserted else {
                throw ShapeError(.duplicateField, "an element of the set stands here twice", at: start).inside(.index(list.count - 1))
            }
        }
    }
}

/// The order in which keys and the elements of sets are written.
@usableFromInline
enum KeyOrder {
    /// Strings by their UTF-8, which other languages can follow; the rest by their own order.
    @inlinable @inline(__always)
    static func precedes<T: Comparable>(_ a: T, _ b: T) -> Bool {
        if let a = a as? String, let b = b as? String { return a.utf8.lexicographicallyPrecedes(b.utf8) }
        return a < b
    }
}
