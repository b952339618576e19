/// Arrays are lists, except that `[UInt8]` is bytes.
extension Array: Shaped where Element: Shaped {
    public static var shape: Shape { Element.self == UInt8.self ? .bytes : .list(Element.shape) }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        if Element.self == UInt8.self { return try Self.writeBytes(unsafeBitCast(self, to: [UInt8].self), to: &writer) }
        var list = try writer.beginList(count: count)
        for element in self { try writer.element(element, in: &list) }
        try writer.endList(&list)
    }

    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> [Element] {
        // The cast is between one type and itself, which the compiler cannot see before it specialises.
        if Element.self == UInt8.self { return unsafeBitCast(try reader.readBytes(), to: [Element].self) }
        var list = try reader.beginList()
        var elements: [Element] = []
        elements.reserveCapacity(list.reservation(for: Element.self))
        while try reader.nextElement(&list) {
            elements.append(try reader.element(Element.self, in: list))
        }
        return elements
    }

    /// The standard library's closures do not keep the type of an error.
    @inlinable
    static func writeBytes<W: ShapeWriter & ~Copyable>(_ bytes: [UInt8], to writer: inout W) throws(ShapeError) {
        var failure: ShapeError?
        bytes.withUnsafeBytes { buffer in
            do throws(ShapeError) {
                try writer.write(bytes: buffer)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
