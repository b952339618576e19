import SkerryGenerator
import SwiftDiagnostics
import SwiftSyntax
import Testing

@Suite("What declarations are told")
struct DiagnosticTests {
    private func file(_ name: String, _ text: String) -> SourceFile { SourceFile(name: "\(name).swift", text: text) }

    @Test(
        "Y-04: each mistake is told at its line and column, with what to do", arguments: ["ShapeErrors", "ServiceErrors", "PrinterErrors"])
    func messages(_ name: String) throws {
        let file = file(name, try Golden.text("Golden/\(name).swift.txt"))
        #expect(file.hasErrors)
        try Golden.expect(file.messages.joined(separator: "\n") + "\n", in: "\(name).messages.txt")
    }

    @Test("Proposed changes mend what they are proposed for, and leave a file that parses", arguments: ["ShapeErrors", "ServiceErrors"])
    func fixes(_ name: String) throws {
        let text = try Golden.text("Golden/\(name).swift.txt")
        let before = file(name, text)
        let fixed = applyingFixes(before, to: text)
        try Golden.expect(fixed, in: "\(name).fixed.txt")
        // What is left to the author is filled in as an author would.
        let after = file(name, fixed.replacing("<#value#>", with: "[]").replacing("<#name#>", with: "name"))
        let mended = before.diagnostics.filter { !$0.fixIts.isEmpty }.map(\.message)
        #expect(mended.count > 10)
        for message in mended { #expect(!after.diagnostics.contains { $0.message == message }, "\(message)") }
        #expect(!after.messages.contains { $0.contains("does not parse") })
    }

    private func applyingFixes(_ file: SourceFile, to text: String) -> String {
        var bytes = Array(text.utf8)
        let edits = file.diagnostics.flatMap(\.fixIts).flatMap(\.edits)
        for edit in edits.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            bytes.replaceSubrange(edit.range.lowerBound.utf8Offset..<edit.range.upperBound.utf8Offset, with: edit.replacement.utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("Every kind of finding has an example among the golden files")
    func completeness() throws {
        var seen: Set<MessageID> = []
        for name in ["ShapeErrors", "ServiceErrors", "PrinterErrors"] {
            for diagnostic in file(name, try Golden.text("Golden/\(name).swift.txt")).diagnostics {
                seen.insert(diagnostic.diagMessage.diagnosticID)
            }
        }
        for code in GeneratorCode.allCases {
            #expect(seen.contains(GeneratorMessage(code, "").diagnosticID), "\(code)")
        }
    }

    @Test("A record may have 128 fields and no more")
    func manyFields() {
        func source(_ count: Int) -> String {
            "@Shape struct S {\n" + (0..<count).map { "    var f\($0): Int\n" }.joined() + "}\n"
        }
        #expect(file("S", source(128)).messages == [])
        #expect(
            file("S", source(129)).messages == [
                "S.swift:1:15: error: 'S' has 129 fields, and a record has at most 128: group some of them"
            ])
    }

    @Test("A file that does not parse is refused as a whole")
    func broken() {
        #expect(file("S", "@Shape struct S { var").messages == ["S.swift:1:1: error: the file does not parse: compile it first"])
    }
}
