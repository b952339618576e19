import SkerryCodec
import Testing

@testable import struct SkerryCodec.SipHash

@Suite("Digests")
struct DigestTests {
    @Test("SipHash-2-4 gives the vectors of its reference")
    func sipHash() {
        // Key 00…0f, messages 00, 00 01, …: the first, the ninth and the sixteenth of the reference's 64-bit vectors.
        func hash(_ count: Int) -> UInt64 {
            var hash = SipHash(key: 0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
            hash.update((0..<count).map { UInt8($0) })
            return hash.finalize()
        }
        #expect(hash(0) == 0x726f_db47_dd0e_0e31)
        #expect(hash(8) == 0x93f5_f579_9a93_2462)
        #expect(hash(15) == 0xa129_ca61_49be_45e5)
    }

    /// A record made on the spot.
    private func record(_ name: String, _ fields: Field...) -> Shape { .record(Fields(name, fields)) }

    @Test("digests are the same in every process: these stand in files")
    func pinned() {
        let digests = [Card.shape, Tree.shape, Expression.shape, Letter.shape, Page<Letter>.shape, .value].map(\.digest.description)
        #expect(
            digests == [
                "2b7d7c87a463706f", "6b4a3249779809b6", "f771f423ce4e6815", "458b7da0ae545afb", "9b468695636ded9d", "c38c1b116b9acb20",
            ])
    }

    @Test("names and structure enter, documentation and defaults do not")
    func whatEnters() {
        let base = record("A", Field("x", Int.self), Field("y", String.self)).digest
        #expect(record("A", Field("x", Int.self, doc: "about x"), Field("y", String.self, default: "z", xml: .attribute)).digest == base)
        #expect(Shape.record(Fields("A", [Field("x", Int.self, name: "ecks"), Field("y", String.self)], doc: "about A")).digest == base)
        let others = [
            record("B", Field("x", Int.self), Field("y", String.self)), record("A", Field("x", Int.self), Field("z", String.self)),
            record("A", Field("y", String.self), Field("x", Int.self)), record("A", Field("x", Int32.self), Field("y", String.self)),
            record("A", Field("x", Int.self), Field("y", String?.self)), record("A", Field("x", Int.self)),
            record("A", Field("x", Int.self), Field("y", [String].self)), record("A", Field("x", Int.self), Field("y", Set<String>.self)),
            .variant(Cases("A", [Case("x", Int.self), Case("y", String.self)])), .variant(Cases("A", [Case("x"), Case("y")])),
            .option(record("A", Field("x", Int.self), Field("y", String.self))), .reference(.service("A")),
            .reference(.sender(record("A", Field("x", Int.self), Field("y", String.self)))),
            .reference(.receiver(record("A", Field("x", Int.self), Field("y", String.self)))), .list(.string), .set(.string), .bytes,
            .string,
            .map(key: .string, value: .int64), .map(key: .int64, value: .string), .alias(Shape.Alias(name: "A", carrier: .string)),
        ].map(\.digest)
        #expect(Set(others + [base]).count == others.count + 1)
    }

    @Test("two descriptions of the same names and structure have one digest, also inside of recursions")
    func twins() {
        // `Ring` and its twin each go round through another type and back.
        #expect(Left.shape.digest == Twin.Left.shape.digest)
        #expect(Right.shape.digest == Twin.Right.shape.digest)
        #expect(Left.shape.digest != Right.shape.digest)
        let both = record("Both", Field("a", Left.self), Field("b", Left.self)).digest
        #expect(record("Both", Field("a", Left.self), Field("b", Twin.Left.self)).digest == both)
        #expect(record("Both", Field("a", Left.self), Field("b", Right.self)).digest != both)
    }

    @Test("a difference deep inside reaches the digest")
    func deep() {
        // Ten records inside of each other; the innermost field differs in its type.
        func nest(_ inner: Shape) -> Shape {
            (0..<10).reduce(inner) { shape, level in
                .variant(Cases("L\(level)", [Case("x", Fields("F\(level)", [Field("v", Int.self)])), Case("end")])).with(shape)
            }
        }
        #expect(nest(.string).digest != nest(.bytes).digest)
        #expect(nest(.string).digest == nest(.string).digest)
    }

    @Test("a shape that makes its description anew inside itself is noticed")
    func endless() async {
        await #expect(processExitsWith: .failure) { _ = Endless.shape.digest }
    }
}

extension Shape {
    fileprivate static var int64: Shape { .integer(.int64) }

    /// A map from this to another, to build towers.
    fileprivate func with(_ other: Shape) -> Shape { .map(key: self, value: other) }
}

/// Only the shape matters for these types.
protocol ShapeOnly: Shaped {
    init()
}

extension ShapeOnly {
    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.writeNil() }
    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self { Self() }
}

struct Left: ShapeOnly {
    static let fields = Fields("Left", [Field("right", [Right].self)])
    static var shape: Shape { .record(fields) }
}

struct Right: ShapeOnly {
    static let fields = Fields("Right", [Field("left", Left?.self), Field("right", [Right].self)])
    static var shape: Shape { .record(fields) }
}

enum Twin {
    struct Left: ShapeOnly {
        static let fields = Fields("Left", [Field("right", [Right].self)])
        static var shape: Shape { .record(fields) }
    }

    struct Right: ShapeOnly {
        static let fields = Fields("Right", [Field("left", SkerryCodecTests.Left?.self), Field("right", [Twin.Right].self)])
        static var shape: Shape { .record(fields) }
    }
}

struct Endless: ShapeOnly {
    static var shape: Shape { .record(Fields("Endless", [Field("self", [Endless].self)])) }
}
