import SkerryCodec
import Testing

/// What an argument of a call may be.
@Suite("Complex data")
struct ComplexDataTests {
    /// A graph travels as its nodes and the edges between their numbers: values have no identity, so nothing is shared by accident and no
    /// cycle makes a writer run for ever.
    struct Graph: Sample {
        var nodes: [String]
        var edges: [[Int32]]

        static let fields = Fields("Graph", [Field("nodes", [String].self), Field("edges", [[Int32]].self)])
        static var shape: Shape { .record(fields) }

        func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
            var record = try writer.beginRecord(Self.fields)
            try writer.field(nodes, 0, in: &record)
            try writer.field(edges, 1, in: &record)
            try writer.endRecord(&record)
        }

        static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Graph {
            var nodes: [String]?
            var edges: [[Int32]]?
            var record = try reader.beginRecord(fields)
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&nodes, in: record)
                default: try reader.field(&edges, in: record)
                }
            }
            return Graph(nodes: try record.require(nodes, 0), edges: try record.require(edges, 1))
        }
    }

    @Test(
        "N-23: nested, optional and recursive values, arrays of them, and graphs by number travel in every format",
        arguments: formats.indices)
    func travel(_ index: Int) throws {
        func check(_ format: (some ShapeFormat).Type) throws {
            func trip<T: Shaped & Equatable>(_ value: T) throws {
                #expect(try format.decode(T.self, from: format.encode(value)) == value)
            }
            try trip(
                Tree(name: "root", children: [Tree(name: "a", children: [Tree(name: "b", children: [])]), Tree(name: "c", children: [])]))
            try trip([nil, [1, nil], []] as [[Int?]?])
            try trip([["x": [.some(nil), nil, 3]], [:]] as [[String: [Int??]]])
            try trip(Expression.sum(left: .negative(.number(.min)), right: .sum(left: .zero, right: .zero, note: nil), note: ""))
            // A cycle of three, and a node that points at itself.
            try trip(Graph(nodes: ["a", "b", "c", "self"], edges: [[1], [2], [0], [3]]))
        }
        try check(formats[index])
    }
}
