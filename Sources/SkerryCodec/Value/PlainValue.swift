/// A ``Value`` as other programs write it: without marks of ours.
///
/// In JSON, bytes are mere strings and keys with a dollar sign mean nothing, so any document can be read, changed and written. What is
/// written as bytes is read back as a string.
public struct PlainValue: Shaped, Hashable {
    public var value: Value

    public init(_ value: Value) {
        self.value = value
    }

    public static var shape: Shape { .value }
    public static var isNullable: Bool { true }

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        guard W.escapesValues else { return try value.write(to: &writer) }
        switch value {
        case .bytes(let bytes): try bytes.write(to: &writer)
        case .list(let elements): try elements.map(PlainValue.init).write(to: &writer)
        case .map(let entries):
            guard entries.allSatisfy({ $0.key.kind == .string }) else {
                throw ShapeError(.unrepresentable, "a map without a type needs strings for keys in this format")
            }
            var map = try writer.beginMap(count: entries.count, isTextual: true)
            for entry in entries { try writer.entry(entry.key, PlainValue(entry.value), in: &map) }
            try writer.endMap(&map)
        default: try value.write(to: &writer)
        }
    }

    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> PlainValue {
        guard R.escapesValues else { return PlainValue(try Value.read(from: &reader)) }
        switch try reader.peekKind() {
        case .list: return PlainValue(.list(try [PlainValue].read(from: &reader).map(\.value)))
        case .map, .bytes, .reference: return try readMap(from: &reader)
        default: return PlainValue(try Value.read(from: &reader))
        }
    }

    private static func readMap<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> PlainValue {
        var entries: [Value.Entry] = []
        var seen: Set<String> = []
        var map = try reader.beginMap(isTextual: true)
        while true {
            let start = reader.offset
            guard try reader.nextKey(&map) else { return PlainValue(.map(entries)) }
            let key = try reader.readString()
            guard seen.insert(key).inserted else { throw ShapeError(.duplicateField, "key \(key) stands here twice", at: start) }
            try reader.beginValue(&map)
            do throws(ShapeError) {
                entries.append(Value.Entry(.string(key), try PlainValue.read(from: &reader).value))
            } catch {
                throw error.inside(.key(key))
            }
        }
    }
}
