/// Dictionaries are written in ascending order of keys, so that equal dictionaries have equal bytes; strings in the order of their UTF-8.
extension Dictionary: Shaped where Key: Shaped & Comparable, Value: Shaped {
    public static var shape: Shape { .map(key: Key.shape, value: Value.shape) }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var map = try writer.beginMap(count: count, isTextual: Key.isTextual)
        for (key, value) in sorted(by: { KeyOrder.precedes($0.key, $1.key) }) { try writer.entry(key, value, in: &map) }
        try writer.endMap(&map)
    }

    /// - Throws: ``ShapeError/Code/duplicateField`` when a key stands there twice.
    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> [Key: Value] {
        var map = try reader.beginMap(isTextual: Key.isTextual)
        var entries = [Key: Value](minimumCapacity: map.reservation(for: (Key, Value).self))
        while true {
            let start = reader.offset
            guard try reader.nextKey(&map) else { return entries }
            let key = try Key.read(from: &reader)
            try reader.beginValue(&map)
            do throws(ShapeError) {
                let value = try Value.read(from: &reader)
                guard entries.updateValue(value, forKey: key) == nil else {
                    throw ShapeError(.duplicateField, "the key stands here twice", at: start)
                }
            } catch {
                throw error.inside(.key("\(key)"))
            }
        }
    }
}
