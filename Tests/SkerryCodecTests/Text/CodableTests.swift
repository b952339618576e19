import SkerryCodec
import Testing

@Suite("Codable")
struct CodableTests {
    struct Foreign: Codable, Equatable, Sendable {
        enum Kind: Codable, Equatable { case plain, tagged(name: String, level: Int) }
        var name: String
        var note: String?
        var numbers: [Int8]
        var ratios: [String: Double]
        var kind: Kind
        var big: UInt64
        var nested: [[Bool]]
    }

    static let sample = Foreign(
        name: "n", note: nil, numbers: [-1, 2], ratios: ["a": 0.5, "b": 2], kind: .tagged(name: "x", level: 3), big: .max,
        nested: [[true], []])

    @Test("a foreign type travels inside of a shaped one, in every format")
    func foreign() throws {
        let box = [CodableBox(Self.sample)]
        #expect(try Bin.decode([CodableBox<Foreign>].self, from: Bin.encode(box)) == box)
        #expect(try SExpression.decode([CodableBox<Foreign>].self, from: SExpression.encode(box)) == box)
        #expect(try XML.decode([CodableBox<Foreign>].self, from: XML.encode(box)) == box)
    }

    @Test("an error of the foreign type has the path through both")
    func path() throws {
        let value: Value = .list([.object(["name": "n", "numbers": [1, 300]])])
        let bytes = try Bin.encode(value)
        // A list of values in bin differs from a value that is a list, so the tree is taken apart first.
        let tree = try Bin.decode(Value.self, from: bytes)
        #expect(throws: ShapeError.self) { try tree.decoded(as: [Foreign].self) }
        do throws(ShapeError) {
            _ = try tree.decoded(as: [Foreign].self)
        } catch {
            #expect(error.path.description == "[0].numbers[1]")
            #expect(error.code == .invalidValue)
        }
    }

    @Test("missing fields, nulls and other kinds are told apart")
    func codes() {
        func code<T: Decodable>(_ type: T.Type, _ value: Value) -> ShapeError.Code? {
            do throws(ShapeError) { _ = try value.decoded(as: type) } catch { return error.code }
            return nil
        }
        #expect(code([String: Int].self, .object(["a": "text"])) == .typeMismatch)
        #expect(code(Foreign.self, .object([:])) == .missingField)
        #expect(code(Int8.self, 300) == .invalidValue)
        #expect(code(Int.self, .null) == .typeMismatch)
        #expect(code(Double.self, 3) == nil)
    }

    @Test("a shaped type goes through the encoders of others")
    func shaped() throws {
        let tree = try Value(encodable: ShapedBox(Library.sample))
        #expect(tree["Name"] == "Peer & <Gynt>")
        #expect(try tree.decoded(as: ShapedBox<Library>.self).value == Library.sample)
    }
}
