import SkerryCodec
import Testing

/// Channel ends and services inside of values, with a table in place of a session.
@Suite("References")
struct ReferenceTests {
    /// A channel end as a session's user sees it.
    final class Port: Shaped, Equatable {
        let label: String

        init(_ label: String) {
            self.label = label
        }

        static var shape: Shape { .reference(.sender(.string)) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            try writer.write(reference: self, shape: .sender(.string))
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Port {
            let start = reader.offset
            guard let port = try reader.readReference(.sender(.string)) as? Port else {
                throw ShapeError(.badReference, "expected Sender<string>", at: start)
            }
            return port
        }

        static func == (a: Port, b: Port) -> Bool { a === b }
    }

    final class Other: Sendable {}

    /// Both ends of a frame's table.
    final class Table: ReferenceSink, ReferenceSource {
        var objects: [any AnyObject & Sendable] = []

        func add(_ object: any AnyObject & Sendable, shape: Shape.Reference) throws(ShapeError) -> UInt32 {
            objects.append(object)
            return UInt32(objects.count - 1)
        }

        func take(_ index: UInt32, shape: Shape.Reference) throws(ShapeError) -> any AnyObject & Sendable {
            guard index < objects.count else { throw ShapeError(.badReference, "the frame has no reference \(index)") }
            return objects[Int(index)]
        }
    }

    @Test("an index travels, and the object comes out of the table", arguments: formats.indices)
    func roundTrip(_ index: Int) throws {
        func check(_ format: (some ShapeFormat).Type) throws {
            let table = Table()
            let ports = ["a": [Port("1"), Port("2")], "b": [Port("3")]]
            let bytes = try format.encode(ports, references: table)
            #expect(table.objects.count == 3)
            #expect(try format.decode([String: [Port]].self, from: bytes, references: table) == ports)
        }
        try check(formats[index])
    }

    @Test("the bytes of a reference")
    func bytes() throws {
        let table = Table()
        table.objects = Array(repeating: Other(), count: 300)
        #expect(try Bin.encode(Port("x"), references: table) == hex("ac02"))
        #expect(try CBOR.encode(Port("x"), references: table) == hex("da536b7279 19012d"))
        #expect(String(decoding: try JSON.encode(Port("x"), references: table), as: UTF8.self) == "{\"$ref\":302}")
        // A value of no type sees the index.
        #expect(try JSON.decode(Value.self, from: " { \"$ref\" : 7 } ") == .reference(7))
        #expect(try CBOR.decode(Value.self, from: hex("da536b727907"), options: .deterministic) == .reference(7))
    }

    @Test("without a session, with an unknown index, or with another object, the error says so", arguments: formats.indices)
    func errors(_ index: Int) throws {
        func check(_ format: (some ShapeFormat).Type) throws {
            let lonely = #expect(throws: ShapeError.self) { try format.encode([Port("x")]) }
            #expect(lonely?.code == .badReference && lonely?.path.description == "[0]")
            #expect(lonely?.message == "Sender<string> is a reference and crosses only inside a session")
            let table = Table()
            let bytes = try format.encode([Port("x"), Port("y")], references: table)
            #expect(format.failure([Port].self, bytes)?.code == .badReference)
            table.objects.removeLast()
            let unknown = #expect(throws: ShapeError.self) { try format.decode([Port].self, from: bytes, references: table) }
            #expect(unknown?.code == .badReference && unknown?.path.description == "[1]" && unknown?.offset != nil)
            table.objects = [Other(), Other()]
            let other = #expect(throws: ShapeError.self) { try format.decode([Port].self, from: bytes, references: table) }
            #expect(other?.code == .badReference && other?.path.description == "[0]")
        }
        try check(formats[index])
    }

    @Test("a reference is no value, and a value no reference", arguments: [Bin.self, CBOR.self, JSON.self] as [any ShapeFormat.Type])
    func kinds(_ format: any ShapeFormat.Type) throws {
        guard format != Bin.self else { return }
        let table = Table()
        let bytes = try format.encode(Port("x"), references: table)
        #expect(throws: ShapeError.self) { try format.decode(Int.self, from: bytes) }
        #expect(throws: ShapeError.self) { try format.decode(Port.self, from: format.encode(5), references: table) }
        #expect(throws: ShapeError.self) { try format.decode(Port.self, from: format.encode("x"), references: table) }
    }
}
