import SkerryGenerator
import Testing

@Suite("The menu")
struct MenuTests {
    private func menu(_ source: String) throws -> Menu {
        let file = SourceFile(name: "S.swift", text: source)
        #expect(file.messages == [])
        return try Menu([file])
    }

    /// What a change from `old` to `new` means, one line each.
    private func changes(_ old: String, _ new: String) throws -> [String] {
        try menu(new).changes(since: menu(old)).map(\.description)
    }

    @Test("The menu of the examples is the committed one, and its text reads back as itself")
    func text() throws {
        let files = try ["Shapes", "Services", "Committed"].map {
            SourceFile(name: "\($0).swift", text: try Golden.text("Examples/\($0).swift"))
        }
        let menu = try Menu(files)
        try Golden.expect(menu.text, in: "Examples.menu")
        #expect(try Menu(text: menu.text) == menu)
        #expect(menu.changes(since: menu) == [])
        #expect(try Menu(files.reversed()) == menu)
    }

    @Test("Names with any characters survive the text")
    func names() throws {
        let menu = try menu(
            #"""
            @Shape("a; \"b\"") struct A {
                @Key("x y") @Namespace("urn:a;b") var x: [String: Int]?
                @Key("ü\n\\") var y: Int = 3
            }
            @Shape("e") enum E { @Key("a:b") case a, @Key("c") case c }
            @Shape enum W: String { case a = "x; y" }
            """#.replacing(", @Key(\"c\") case c", with: "; @Key(\"c\") case c(x: Int)"))
        #expect(try Menu(text: menu.text) == menu)
    }

    @Test(
        "A text that follows no grammar is refused at its line",
        arguments: [
            ("", "line 1: a menu begins with 'menu 1'"),
            ("menu 2\n", "line 1: a menu begins with 'menu 1'"),
            ("menu 1\n\nthing X\n", "line 3: 'thing' is neither a service nor a type"),
            ("menu 1\n  field x: Int\n", "line 2: this line belongs to nothing"),
            ("menu 1\nrecord X\n   field x: Int\n", "line 3: the indent is two spaces a level"),
            ("menu 1\nrecord X\n    field x: Int\n", "line 3: this line is indented too far"),
            ("menu 1\nrecord X\n  field x\n", "line 3: 'x' needs a type"),
            ("menu 1\nrecord X\n  case x\n", "line 3: 'field' is expected here, not 'case'"),
            ("menu 1\nrecord \"X\n", "line 2: the name does not end"),
            ("menu 1\nservice X\n  version one\n", "line 3: 'one' is no version"),
            ("menu 1\nservice X\n  method y\n", "line 3: a method needs the type of its result"),
            ("menu 1\nservice X\n  thing y\n", "line 3: a service has no 'thing'"),
            ("menu 1\nvariant X\n  field y: Int\n", "line 3: a variant has cases, not 'field'"),
            ("menu 1\nraw X\n", "line 2: a raw type needs the type that travels"),
        ])
    func grammar(_ text: String, _ message: String) {
        let error = #expect(throws: MenuError.self) { try Menu(text: text) }
        #expect(error?.description == message)
    }

    @Test("Two shapes or services of one name are refused")
    func duplicates() {
        let twice = SourceFile(name: "S.swift", text: "enum A { @Shape struct X {} }\nenum B { @Shape struct X {} }")
        #expect(throws: MenuError.self) { try Menu([twice]) }
        let services = SourceFile(name: "S.swift", text: "@Service protocol A: Sendable {}\n@Service(\"A\") protocol B: Sendable {}")
        #expect(throws: MenuError.self) { try Menu([services]) }
    }

    // MARK: - Changes

    @Test(
        "Each change of a record or enum is judged, with the reason",
        arguments: [
            // Fields.
            ("var a: Int", "var a: Int\n var b: Int?", "compatible: S.b: a new field that may be missing"),
            ("var a: Int", "var a: Int\n var b: Int = 3", "compatible: S.b: a new field that may be missing"),
            (
                "var a: Int", "var a: Int\n var b: Int",
                "incompatible: S.b: a new field that old peers do not send; make it optional or give it a default"
            ),
            ("var a: Int", "var b: Int?\n var a: Int", "incompatible: S.b: a new field stands before older ones; put it at the end"),
            ("var a: Int\n var b: Int", "var a: Int", "incompatible: S.b: the field is gone"),
            ("var a: Int", "@Key(\"a\") var b: Int", ""),
            (
                "var a: Int\n var b: String", "var b: String\n var a: Int",
                "incompatible: S.a: the field moved from place 1 to 2, and places are part of the shape"
            ),
            ("var a: Int", "var a: String", "incompatible: S.a: the type changed from Int to String"),
            ("var a: Int", "var a: Int = 3", "compatible: S.a: the field may be missing now"),
            ("var a: Int = 3", "var a: Int", "incompatible: S.a: the field is required now, and old peers may leave it out"),
            ("var a: Int = 3", "var a: Int = 4", ""),
            ("var a: Int", "@Attribute var a: Int", "incompatible: S.a: it travels otherwise: plain before, attribute now"),
            (
                "@Via(A.self) var a: Date", "@Via(B.self) var a: Date",
                "incompatible: S.a: it travels otherwise: via A before, via B now"
            ),
        ])
    func fields(_ old: String, _ new: String, _ expected: String) throws {
        let told = try changes("@Shape struct S {\n \(old)\n}", "@Shape struct S {\n \(new)\n}")
        #expect(told == (expected.isEmpty ? [] : [expected]))
    }

    @Test("A renamed field is told as such")
    func renamed() throws {
        #expect(
            try changes("@Shape struct S { var a: Int }", "@Shape struct S { var b: Int }") == [
                "incompatible: S.a: the field is gone; if it is 'b' now, keep the old name on the wire",
                "incompatible: S.b: a new field that old peers do not send; make it optional or give it a default",
            ])
    }

    @Test(
        "Each change of an enum or of the set of shapes is judged, with the reason",
        arguments: [
            ("@Shape enum E { case a }", "@Shape enum E { case a, b }", "compatible: E.b: a new case, which old peers refuse"),
            (
                "@Shape enum E { case a }", "@Shape enum E { case b, a }",
                "incompatible: E.a: the case moved, and places are part of the shape; put new cases at the end|"
                    + "compatible: E.b: a new case, which old peers refuse"
            ),
            ("@Shape enum E { case a, b }", "@Shape enum E { case a }", "incompatible: E.b: the case is gone, and old peers send it"),
            (
                "@Shape enum E { case a }", "@Shape enum E { case a(Int) }",
                "incompatible: E.a: the case carries Int now, and nothing before"
            ),
            (
                "@Shape enum E { case a(x: Int) }", "@Shape enum E { case a(x: Int, y: Int? = nil) }",
                "compatible: E.a.y: a new value that may be missing"
            ),
            ("@Shape enum E: Int { case a }", "@Shape enum E: Int { case a, b }", "compatible: E.1: a new value, which old peers refuse"),
            (
                "@Shape enum E: String { case a, b }", "@Shape enum E: String { case b }",
                "incompatible: E.a: the value is gone, and old peers send it"
            ),
            (
                "@Shape enum E: Int { case a }", "@Shape enum E: UInt { case a }",
                "incompatible: E: the raw type changed from Int to UInt"
            ),
            (
                "@Shape enum E { case a }", "@Shape enum E: String { case a }",
                "incompatible: E: the shape changed from a variant to a raw type"
            ),
            ("@Shape enum E { case a }", "", "incompatible: E: the shape is gone, and its name is part of the shapes it was used in"),
            ("", "@Shape enum E { case a }", "compatible: E: a new shape"),
            ("@Shape struct A {}", "@Shape(\"A\") struct B {}", ""),
            (
                "@Shape struct A {}", "@Namespace(\"urn:x\") @Shape struct A {}",
                "incompatible: A: the namespace changed, so XML reads another element"
            ),
        ])
    func shapes(_ old: String, _ new: String, _ expected: String) throws {
        #expect(try changes(old, new) == expected.split(separator: "|").map(String.init))
    }

    @Test(
        "Each change of a service is judged, with the reason",
        arguments: [
            ("func f() async throws", "func f() async throws\n func g() async throws", "compatible: S.g: a new method"),
            (
                "func f() async throws", "",
                "incompatible: S.f: the method is gone; keep it, if need be under another name with '@Wire', or announce its end by '@Until' first"
            ),
            ("func f() async throws", "@Wire(\"f\") func g() async throws", ""),
            (
                "func f(_ a: Int) async throws", "func f(_ a: Int, b: Int) async throws",
                "incompatible: S.f.b: a new argument that old peers do not send; make it optional or give it a default"
            ),
            (
                "func f(_ a: Int) async throws", "@Default(\"b\", 3) func f(_ a: Int, b: Int) async throws",
                "compatible: S.f.b: a new argument that may be missing"
            ),
            ("func f(_ a: Int) async throws", "func f(x a: Int) async throws", ""),
            (
                "func f(_ a: Int) async throws", "func f(_ a: String) async throws",
                "incompatible: S.f.a: the type changed from Int to String"
            ),
            ("func f() async throws -> Int", "func f() async throws", "incompatible: S.f: the result changed from Int to Void"),
            (
                "@Idempotent func f() async throws", "func f() async throws",
                "incompatible: S.f: the method is no longer idempotent, and old callers repeat it"
            ),
            ("func f() async throws", "@Idempotent func f() async throws", "compatible: S.f: the method became idempotent"),
            (
                "func f() async throws", "@OneWay func f() async throws",
                "incompatible: S.f: the method became one-way, and old callers wait for an answer"
            ),
            (
                "@GET(\"/a\") func f() async throws", "@GET(\"/b\") func f() async throws",
                "incompatible: S.f: the route changed from 'GET /a' to 'GET /b'"
            ),
            ("func f() async throws", "@GET(\"/a\") func f() async throws", "compatible: S.f: the method answers to 'GET /a' too"),
            ("func f() async throws", "@Until(3) func f() async throws", "compatible: S.f: the method ends with version 3"),
            ("@Offload func f() async throws", "func f() async throws", ""),
        ])
    func methods(_ old: String, _ new: String, _ expected: String) throws {
        let told = try changes("@Service protocol S: Sendable {\n \(old)\n}", "@Service protocol S: Sendable {\n \(new)\n}")
        #expect(told == (expected.isEmpty ? [] : [expected]))
    }

    @Test("A method may go when the version it was announced to end with is past")
    func ending() throws {
        let old = "@Service(version: 2) protocol S: Sendable { @Until(2) func f() async throws }"
        #expect(
            try changes(old, "@Service(version: 3) protocol S: Sendable {}") == [
                "compatible: S: the version went from 2 to 3", "compatible: S.f: the method ended with version 2, as announced",
            ])
        #expect(
            try changes(old, "@Service(version: 2) protocol S: Sendable {}") == [
                "incompatible: S.f: the method is gone, and was promised until version 2; this is version 2"
            ])
        #expect(
            try changes(old, "@Service protocol S: Sendable { @Until(2) func f() async throws }") == [
                "incompatible: S: the version went back from 2 to 1"
            ])
        #expect(
            try changes(
                "@Service(errors: A.self) protocol S: Sendable {}", "@Service(errors: B.self) protocol T: Sendable {}") == [
                    "incompatible: S: the service is gone, and peers ask for it by this name", "compatible: T: a new service",
                ])
        #expect(
            try changes("@Service(errors: A.self) protocol S: Sendable {}", "@Service(errors: B.self) protocol S: Sendable {}") == [
                "incompatible: S.A: the error no longer crosses as itself, and callers may catch it",
                "compatible: S.B: a new error crosses as itself",
            ])
    }
}
