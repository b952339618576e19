import Foundation
import SkerryCodec
import Testing

/// The values whose bytes stand in `Golden`. A change of these files is a change of a format.
///
/// `SKERRY_WRITE_GOLDEN=DIRECTORY` writes what the formats give now.
@Suite("Golden files")
struct GoldenTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var encode: @Sendable (any ShapeFormat.Type) throws -> [UInt8]
        var agrees: @Sendable (any ShapeFormat.Type, [UInt8]) throws -> Bool

        init<S: Sample>(_ name: String, _ value: S) {
            testDescription = name
            encode = { try $0.encode(value) }
            agrees = { try $0.decode(S.self, from: $1) == value }
        }
    }

    static let examples = [
        Example("card", Card(suit: .hearts, rank: .queen)),
        Example(
            "numbers",
            Numbers(
                flag: true, int8: -128, int16: -300, int32: 70_000, int64: .min, uint8: 200, uint16: 60_000, uint32: 4_000_000_000,
                uint64: .max,
                int: -1, uint: 127, float: 0.1, double: -1.5e300)),
        Example(
            "texts", Texts(text: "sk\u{e6}r \"1\"\n", bytes: [0, 1, 254, 255], suit: .spades, day: Via(Weekday.Day(text: "sunday")))),
        Example(
            "options",
            Options(
                number: 1, nested: .some(nil), deep: .some(.some(7)), list: ["a", nil, ""],
                value: Dynamic(value: .list([.null, .bytes([1]), 1.5])), tags: [])),
        Example(
            "containers",
            Containers(
                matrix: [[], [1, -2]], set: ["b", "a"], byText: ["longer": 1, "b": 2, "a": 3], byNumber: [10: "x", -1: "y"],
                bySuit: [.clubs: true], empties: [Empty(), Empty()])),
        Example("tree", Tree(name: "root", children: [Tree(name: "left", children: []), Tree(name: "right", children: [])])),
        Example("expression", Expression.sum(left: .negative(.number(3)), right: .zero, note: "n")),
        Example("letter", Letter(address: "quay 1", sent: .milliseconds(1_500), pages: -1...2)),
    ]

    private static let formats: [any ShapeFormat.Type] = [Bin.self, CBOR.self, JSON.self]
    static let pairs: [Pair] = examples.indices.flatMap { index in formats.map { Pair(index: index, format: $0) } }

    struct Pair: Sendable, CustomTestStringConvertible {
        var index: Int
        var format: any ShapeFormat.Type
        var testDescription: String { "\(examples[index].testDescription).\(format.name)" }
    }

    @Test("J-03: one description writes and reads the golden bytes of each format", arguments: pairs)
    func golden(_ pair: Pair) throws {
        let example = Self.examples[pair.index]
        let written = try example.encode(pair.format)
        let name = pair.testDescription
        if let directory = ProcessInfo.processInfo.environment["SKERRY_WRITE_GOLDEN"] {
            try Data(written).write(to: URL(fileURLWithPath: directory + "/" + name))
        }
        let url = try #require(Bundle.module.url(forResource: "Golden/\(name)", withExtension: nil))
        let bytes = Array(try Data(contentsOf: url))
        #expect(written == bytes)
        #expect(try example.agrees(pair.format, bytes))
    }
}
