import Foundation
import SkerryGenerator
import Testing

@Suite("What declarations expand to")
struct ExpansionTests {
    @Test("Y-04: the printed expansion of each example is the committed one", arguments: ["Shapes", "Services", "Committed"])
    func expansions(_ name: String) throws {
        let file = SourceFile(name: "\(name).swift", text: try Golden.text("Examples/\(name).swift"))
        #expect(file.messages == [])
        try Golden.expect(file.printed(), in: "\(name).printed.txt")
    }

    @Test("Marks in comments expand exactly as attributes do", arguments: ["Shapes", "Services"])
    func comments(_ name: String) throws {
        let source = try Golden.text("Examples/\(name).swift")
        let marks = CommentedAttributes.names
        let commented = source.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            // Every attribute on the line of a declaration moves to a comment line before it.
            let indent = line.prefix { $0 == " " }
            var rest = line.dropFirst(indent.count)
            var moved: [Substring] = []
            while rest.first == "@", let end = attributeEnd(rest), marks.contains(String(rest.dropFirst().prefix { $0.isLetter })) {
                moved.append(rest[..<end])
                rest = rest[end...].drop { $0 == " " }
            }
            if moved.isEmpty { return String(line) }
            return "\(indent)// \(moved.joined(separator: " "))" + (rest.isEmpty ? "" : "\n\(indent)\(rest)")
        }.joined(separator: "\n")
        #expect(commented != source)
        let plain = SourceFile(name: "X.swift", text: source)
        let file = SourceFile(name: "X.swift", text: commented)
        #expect(file.messages == [])
        #expect(file.printed() == plain.printed())
        #expect(CommentedAttributes.mark(commented))
        #expect(!CommentedAttributes.mark(source))
    }

    /// The end of the attribute at the start of `text`, which may hold brackets and strings.
    private func attributeEnd(_ text: Substring) -> Substring.Index? {
        var depth = 0
        for index in text.indices {
            switch text[index] {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case " " where depth == 0: return index
            default: break
            }
        }
        return text.endIndex
    }

    @Test("Revealing a mark changes no byte but its slashes")
    func revealing() {
        let source = "  // @Shape struct\n//@Key(\"é\")\n/// @Shape\nlet x = 1 // @Shape\n// @Other\n// Shape\n//"
        let revealed = CommentedAttributes.revealed(source)
        #expect(revealed == "     @Shape struct\n  @Key(\"é\")\n/// @Shape\nlet x = 1 // @Shape\n// @Other\n// Shape\n//")
        #expect(revealed.utf8.count == source.utf8.count)
    }

    @Test("Every name the macros declare is a mark the printer knows, and the other way round")
    func names() throws {
        var declared: Set<String> = []
        for file in ["Shape", "FieldAttributes", "Service", "MethodAttributes", "DefaultAttribute"] {
            let source = try String(contentsOf: Golden.repository.appending(path: "Sources/SkerryMacros/\(file).swift"), encoding: .utf8)
            for line in source.split(separator: "\n") where line.hasPrefix("public macro ") {
                declared.insert(String(line.dropFirst("public macro ".count).prefix { $0.isLetter }))
            }
        }
        #expect(declared == CommentedAttributes.names)
    }
}
