import SkerryCodec
import Testing

/// A type may grow at its end: named formats carry old and new between each other, bin refuses by digest.
@Suite("Evolution")
struct EvolutionTests {
    struct Old: Sample {
        var id: Int
        static let fields = Fields("Meta", [Field("id", Int.self)])
        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(id, 0, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Old {
            var id: Int?
            var record = try reader.beginRecord(fields)
            while try reader.nextField(&record) != nil { try reader.field(&id, in: record) }
            return Old(id: try record.require(id, 0))
        }
    }

    struct New: Sample {
        var id: Int
        var note: String?
        var tags: [String]
        static let fields = Fields("Meta", [Field("id", Int.self), Field("note", String?.self), Field("tags", [String].self, default: [])])
        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(id, 0, in: &record)
            try writer.field(note, 1, in: &record)
            try writer.field(tags, 2, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> New {
            var id: Int?
            var note: String??
            var tags: [String]?
            var record = try reader.beginRecord(fields)
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&id, in: record)
                case 1: try reader.field(&note, in: record)
                default: try reader.field(&tags, in: record)
                }
            }
            return New(id: try record.require(id, 0), note: try record.require(note, 1), tags: tags ?? [])
        }
    }

    @Test("old readers skip what new writers add, new readers take the absent value or the default", arguments: formats.indices)
    func bothWays(_ index: Int) throws {
        func check(_ format: (some ShapeFormat).Type) throws {
            guard format != Bin.self else { return }
            let new = New(id: 7, note: "n", tags: ["a", "b"])
            #expect(try format.decode(Old.self, from: format.encode(new)) == Old(id: 7))
            #expect(try format.decode([Old].self, from: format.encode([new, new])) == [Old(id: 7), Old(id: 7)])
            #expect(try format.decode(New.self, from: format.encode(Old(id: 7))) == New(id: 7, note: nil, tags: []))
        }
        try check(formats[index])
    }

    @Test("in bin the digests differ, so peers notice before they read")
    func bin() throws {
        #expect(Old.shape.digest != New.shape.digest)
        let error = #expect(throws: ShapeError.self) { try Bin.open(Old.self, from: Bin.seal(New(id: 7, note: nil, tags: []))) }
        #expect(error?.code == .digestMismatch)
    }
}
