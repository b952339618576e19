extension Value: Shaped {
    public static var shape: Shape { .value }
    public static var isNullable: Bool { true }

    /// The marks of a value in positional formats; part of their wire.
    private static let kinds = Cases(
        "Value",
        [
            Case("null"), Case("bool", Bool.self), Case("int", Int64.self), Case("uint", UInt64.self), Case("double", Double.self),
            Case("string", String.self), Case("bytes", [UInt8].self), Case("list", [Value].self), Case("map", [Value].self),
            Case("reference", UInt32.self),
        ])

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        if W.marksValues {
            var variant = try writer.beginVariant(mark, of: Self.kinds)
            if self != .null { try writeContent(to: &writer) }
            try writer.endVariant(&variant)
        } else {
            try writeContent(to: &writer)
        }
    }

    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Value {
        guard R.marksValues else { return try readContent(reader.peekKind(), from: &reader) }
        let start = reader.offset
        var variant = try reader.beginVariant(kinds)
        let kind: Kind =
            switch variant.index {
            case 0: .null
            case 1: .bool
            case 2: .integer
            case 3: .unsigned
            case 4: .double
            case 5: .string
            case 6: .bytes
            case 7: .list
            case 8: .map
            default: .reference
            }
        let value: Value = kind == .null ? .null : try readContent(kind, from: &reader)
        // One value has one encoding.
        if case .uint(let uint) = value, uint <= UInt64(Int64.max) {
            throw ShapeError(.syntax, "\(uint) is marked as unsigned, though it fits int64", at: start)
        }
        try reader.endVariant(&variant)
        return value
    }

    private var mark: Int {
        switch self {
        case .null: 0
        case .bool: 1
        case .int: 2
        case .uint: 3
        case .double: 4
        case .string: 5
        case .bytes: 6
        case .list: 7
        case .map: 8
        case .reference: 9
        }
    }

    private func writeContent<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        switch self {
        case .null: try writer.writeNil()
        case .bool(let value): try writer.write(value)
        case .int(let value): try writer.write(integer: value)
        case .uint(let value): try writer.write(integer: value)
        case .double(let value): try writer.write(value)
        case .string(let value): try writer.write(value)
        case .bytes(let value): try writer.write(dynamicBytes: value)
        case .list(let elements): try elements.write(to: &writer)
        case .map(let entries): try Self.write(entries, to: &writer)
        case .reference(let index): try writer.write(referenceIndex: index)
        }
    }

    private static func write<W: ShapeWriter & ~Copyable>(_ entries: [Entry], to writer: inout W) throws(ShapeError) {
        if W.escapesValues, !entries.allSatisfy({ $0.key.kind == .string }) {
            throw ShapeError(.unrepresentable, "a map without a type needs strings for keys in this format")
        }
        var map = try writer.beginMap(count: entries.count, isTextual: W.escapesValues)
        for entry in entries {
            try writer.entry(W.escapesValues ? entry.key.escaped : entry.key, entry.value, in: &map)
        }
        try writer.endMap(&map)
    }

    private static func readContent<R: ShapeReader & ~Copyable>(_ kind: Kind, from reader: inout R) throws(ShapeError) -> Value {
        switch kind {
        case .null:
            _ = try reader.beginOption(isNested: false)
            return .null
        case .bool: return .bool(try reader.readBool())
        case .integer: return .int(try reader.readInteger(Int64.self))
        case .unsigned: return .uint(try reader.readInteger(UInt64.self))
        case .double: return .double(try reader.readDouble())
        case .string: return .string(try reader.readString())
        case .bytes: return .bytes(try reader.readBytes())
        case .list: return .list(try [Value].read(from: &reader))
        case .map: return try readMap(from: &reader)
        case .reference: return .reference(try reader.readReferenceIndex())
        }
    }

    private static func readMap<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Value {
        var entries: [Entry] = []
        var seen: Set<Value> = []
        var map = try reader.beginMap(isTextual: R.escapesValues)
        while true {
            let start = reader.offset
            guard try reader.nextKey(&map) else { break }
            var key = try Value.read(from: &reader)
            guard seen.insert(key).inserted else { throw ShapeError(.duplicateField, "key \(key.text) stands here twice", at: start) }
            if R.escapesValues { key = key.unescaped }
            try reader.beginValue(&map)
            do throws(ShapeError) {
                entries.append(Entry(key, try Value.read(from: &reader)))
            } catch {
                throw error.inside(.key("\(key)"))
            }
        }
        return .map(entries)
    }

    /// Formats that mark bytes and references by a key with a dollar sign write such keys with one more.
    private var escaped: Value {
        guard case .string(let text) = self, text.utf8.first == UInt8(ascii: "$") else { return self }
        return .string("$" + text)
    }

    private var unescaped: Value {
        guard case .string(let text) = self, text.utf8.starts(with: "$$".utf8) else { return self }
        return .string(String(text.dropFirst()))
    }
}
