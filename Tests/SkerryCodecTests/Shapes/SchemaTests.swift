import SkerryCodec
import Testing

@Suite("Schemas")
struct SchemaTests {
    @Test("JSON Schema of a record with documentation, defaults and named types")
    func jsonSchema() throws {
        let text = try JSON.text(PlainValue(Letter.shape.jsonSchema()), options: .pretty)
        #expect(
            text == """
                {
                  "$schema": "https://json-schema.org/draft/2020-12/schema",
                  "$ref": "#/$defs/Letter",
                  "$defs": {
                    "Letter": {
                      "description": "what the post brings",
                      "type": "object",
                      "properties": {
                        "address": {
                          "description": "street and house",
                          "type": "string"
                        },
                        "sent": {
                          "$ref": "#/$defs/Duration",
                          "default": {
                            "seconds": 0,
                            "attoseconds": 0
                          }
                        },
                        "pages": {
                          "description": "the first and the last",
                          "$ref": "#/$defs/ClosedRange%3Cint8%3E",
                          "default": {
                            "lower": 1,
                            "upper": 1
                          }
                        }
                      },
                      "required": [
                        "address"
                      ]
                    },
                    "Duration": {
                      "type": "object",
                      "properties": {
                        "seconds": {
                          "type": "integer",
                          "minimum": -9223372036854775808,
                          "maximum": 9223372036854775807
                        },
                        "attoseconds": {
                          "type": "integer",
                          "minimum": -9223372036854775808,
                          "maximum": 9223372036854775807
                        }
                      },
                      "required": [
                        "seconds",
                        "attoseconds"
                      ]
                    },
                    "ClosedRange<int8>": {
                      "type": "object",
                      "properties": {
                        "lower": {
                          "type": "integer",
                          "minimum": -128,
                          "maximum": 127
                        },
                        "upper": {
                          "type": "integer",
                          "minimum": -128,
                          "maximum": 127
                        }
                      },
                      "required": [
                        "lower",
                        "upper"
                      ]
                    }
                  }
                }
                """)
    }

    @Test("what JSON writes for a value by chance is valid by the JSON Schema of its shape", arguments: samples.indices)
    func valid(_ index: Int) throws {
        func check<S: Sample>(_ sample: S.Type) throws {
            let schema = S.shape.jsonSchema()
            for seed in 0..<seeds {
                let value = try S.random(seed, size: 5)
                let instance = try JSON.decode(PlainValue.self, from: JSON.encode(value)).value
                #expect(SchemaChecker(root: schema).accepts(instance, schema), "seed \(seed): \(instance)")
            }
            // A checker that takes everything would prove nothing.
            if sample != Dynamic.self { #expect(!SchemaChecker(root: schema).accepts(.list([.bool(true), "x"]), schema)) }
        }
        try check(samples[index])
    }

    @Test("TypeScript declarations")
    func typeScript() {
        #expect(
            Letter.shape.typeScript() == """
                /** what the post brings */
                export interface Letter {
                  /** street and house */
                  address: string;
                  sent?: Duration;
                  /** the first and the last */
                  pages?: ClosedRange_int8;
                }

                export interface Duration {
                  seconds: number;
                  attoseconds: number;
                }

                export interface ClosedRange_int8 {
                  lower: number;
                  upper: number;
                }

                """)
        #expect(
            Expression.shape.typeScript() == """
                export type Expression = "zero" | { number: number } | { negative: Expression } | { sum: Expression_sum };

                export interface Expression_sum {
                  left: Expression;
                  right: Expression;
                  note?: string | null;
                }

                """)
        let printer = TypeScript([Card.shape, Page<Letter>.shape])
        #expect(printer.declarations.contains("export type Suit = \"clubs\" | \"diamonds\" | \"hearts\" | \"spades\";"))
        #expect(printer.type(of: Page<Letter>.shape) == "Page_Letter")
        #expect(printer.type(of: .option(.option(.list(.option(.bytes))))) == "[(string | null)[] | null] | null")
        #expect(printer.type(of: .map(key: Suit.shape, value: .value)) == "{ [key: string]: unknown }")
        #expect(printer.type(of: .map(key: .float, value: .bool)) == "[number, boolean][]")
        #expect(printer.type(of: .reference(.sender(Card.shape))) == "Sender<Card>")
        #expect(Odd.shape.typeScript().hasPrefix("export interface Odd {\n  \"a \\\"key\\\"\\\\\\n<é>\": number;\n"))
    }

    @Test("two types of one name are told apart in every print")
    func twins() {
        let shape = Shape.record(Fields("Both", [Field("a", Left.self), Field("b", Twin.Left.self)]))
        #expect(shape.typeScript().contains("  b: Left2;"))
        #expect(shape.rendered().contains("b  Left2"))
        #expect(shape.jsonSchema()["$defs"]?["Left2"] != nil)
    }

    @Test("text for people")
    func rendered() {
        #expect(
            Page<Letter>.shape.rendered() == """
                Page<Letter>

                Page<Letter>
                  items  [Letter]
                  next   string?   optional

                Letter: what the post brings
                  address  string             street and house
                  sent     Duration           optional
                  pages    ClosedRange<int8>  optional; the first and the last

                Duration
                  seconds      int64
                  attoseconds  int64

                ClosedRange<int8>
                  lower  int8
                  upper  int8

                """)
    }

    @Test("values by chance are the same for the same seed, reach all cases, and end for recursive shapes")
    func random() throws {
        var cases: Set<String> = []
        for seed in 0..<200 as Range<UInt64> {
            #expect(try Expression.random(seed, size: 6) == Expression.random(seed, size: 6))
            cases.insert(String("\(try Expression.random(seed, size: 4))".prefix(4)))
            #expect(try Expression.random(seed, size: 0) != .negative(.zero))
        }
        #expect(cases == ["zero", "numb", "nega", "sum("])
        let integers = try Set((0..<200 as Range<UInt64>).map { try Numbers.random($0, size: 3).int8 })
        #expect(integers.contains(.min) && integers.contains(.max) && integers.count > 30)
    }
}

/// As much of JSON Schema as our schemas use, written dumbly from the draft.
struct SchemaChecker {
    var root: Value

    func accepts(_ value: Value, _ schema: Value) -> Bool {
        guard case .map(let keywords) = schema else { return schema == true }
        return keywords.allSatisfy { keyword in
            guard case .string(let name) = keyword.key else { return false }
            return accepts(value, name, keyword.value, schema)
        }
    }

    private func accepts(_ value: Value, _ keyword: String, _ argument: Value, _ schema: Value) -> Bool {
        switch (keyword, argument) {
        case ("$ref", .string(let pointer)): definition(pointer).map { accepts(value, $0) } ?? false
        case ("type", .string(let type)): Self.types(of: value).contains(type)
        case ("const", _): value == argument
        case ("enum", .list(let values)): values.contains(value)
        case ("anyOf", .list(let schemas)): schemas.contains { accepts(value, $0) }
        case ("oneOf", .list(let schemas)): schemas.filter { accepts(value, $0) }.count == 1
        case ("minimum", _): Self.number(value) >= Self.number(argument)
        case ("maximum", _): Self.number(value) <= Self.number(argument)
        case ("items", _): value.elements.dropFirst(schema["prefixItems"]?.elements.count ?? 0).allSatisfy { accepts($0, argument) }
        case ("prefixItems", .list(let schemas)): zip(value.elements, schemas).allSatisfy { accepts($0, $1) }
        case ("minItems", .int(let count)): value.elements.count >= count
        case ("maxItems", .int(let count)): value.elements.count <= count
        case ("uniqueItems", _): Set(value.elements).count == value.elements.count
        case ("required", .list(let names)): names.allSatisfy { name in value.members.contains { $0.key == name } }
        case ("properties", _):
            value.members.allSatisfy { member in
                argument.members.first { $0.key == member.key }.map { accepts(member.value, $0.value) } ?? true
            }
        case ("additionalProperties", _):
            value.members.filter { member in schema["properties"]?.members.contains { $0.key == member.key } != true }
                .allSatisfy { accepts($0.value, argument) }
        case ("propertyNames", _): value.members.allSatisfy { accepts($0.key, argument) }
        case ("$schema", _), ("$defs", _), ("description", _), ("default", _), ("contentEncoding", _): true
        default: false
        }
    }

    private func definition(_ pointer: String) -> Value? {
        let name = pointer.dropFirst("#/$defs/".count).replacing("%3C", with: "<").replacing("%3E", with: ">").replacing("%20", with: " ")
        return root["$defs"]?[String(name)]
    }

    private static func types(of value: Value) -> [String] {
        switch value {
        case .null: ["null"]
        case .bool: ["boolean"]
        case .int, .uint: ["integer", "number"]
        case .double: ["number"]
        case .string: ["string"]
        case .list: ["array"]
        case .map: ["object"]
        case .bytes, .reference: []
        }
    }

    /// Near enough: bounds are powers of two or just below them.
    private static func number(_ value: Value) -> Double {
        switch value {
        case .int(let number): Double(number)
        case .uint(let number): Double(number)
        case .double(let number): Double(number)
        default: .nan
        }
    }
}

extension Value {
    fileprivate var elements: [Value] {
        guard case .list(let elements) = self else { return [] }
        return elements
    }

    fileprivate var members: [Entry] {
        guard case .map(let entries) = self else { return [] }
        return entries
    }
}
