import Foundation
import Testing

@testable import skerry_generate

/// The printer at work on a folder of its own.
private final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "skerry-generate-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url.appending(path: "inner"), withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    subscript(name: String) -> String? {
        get { try? String(contentsOf: url.appending(path: name), encoding: .utf8) }
        set {
            if let newValue {
                try? newValue.write(to: url.appending(path: name), atomically: true, encoding: .utf8)
            } else {
                try? FileManager.default.removeItem(at: url.appending(path: name))
            }
        }
    }

    func run(_ arguments: String...) throws -> Int32 { try Command(arguments: arguments + [url.path]).run() }

    func path(_ name: String) -> String { url.appending(path: name).path }
}

@Suite("The command skerry-generate")
struct CommandTests {
    private let marked = "// @Shape\nstruct A: Sendable {\n    var x: Int\n}\n"

    @Test("What --write printed passes --check, until the source changes or the output is edited or lost")
    func writing() throws {
        let folder = try Folder()
        folder["A.swift"] = marked
        folder["inner/B.swift"] = marked.replacing("A", with: "B")
        folder["inner/C.swift"] = "@Shape struct C {}\n"
        #expect(try folder.run("--check") == 1)
        #expect(try folder.run("--write") == 0)
        #expect(folder["A+Generated.swift"]?.contains("extension A: SkerryCodec.Shaped {") == true)
        #expect(folder["inner/B+Generated.swift"] != nil)
        #expect(folder["inner/C+Generated.swift"] == nil)
        #expect(try folder.run("--check") == 0)

        folder["A.swift"] = marked.replacing("x: Int", with: "y: Int")
        #expect(try folder.run("--check") == 1)
        #expect(try folder.run("--write") == 0)
        #expect(try folder.run("--check") == 0)

        folder["A+Generated.swift"]! += "\n"
        #expect(try folder.run("--check") == 1)
        folder["A+Generated.swift"] = nil
        #expect(try folder.run("--check") == 1)
        #expect(try folder.run("--write") == 0)

        folder["A.swift"] = "struct A {}\n"
        #expect(try folder.run("--check") == 1)
        folder["A+Generated.swift"] = nil
        #expect(try folder.run("--check") == 0)
    }

    @Test("A declaration that cannot be expanded fails every action and writes nothing")
    func errors() throws {
        let folder = try Folder()
        folder["A.swift"] = "// @Shape\nstruct A: Sendable {\n    var x: (Int, Int)\n}\n"
        #expect(try folder.run("--write") == 1)
        #expect(folder["A+Generated.swift"] == nil)
        #expect(try folder.run("--check") == 1)
        #expect(try folder.run("--menu") == 1)
        #expect(try folder.run() == 1)
    }

    @Test("--check-menu passes only the menu as it was printed")
    func menus() throws {
        let folder = try Folder()
        folder["A.swift"] = marked
        folder["menu.txt"] = "menu 1\n\nrecord A\n  field x: Int\n"
        func check() throws -> Int32 { try Command(arguments: ["--check-menu", folder.path("menu.txt"), folder.path("A.swift")]).run() }
        #expect(try check() == 0)
        folder["A.swift"] = marked.replacing("x: Int", with: "x: Int\n    var y: Int?")
        #expect(try check() == 1)
        folder["A.swift"] = marked.replacing("x: Int", with: "x: String")
        #expect(try check() == 1)
        folder["menu.txt"] = "nothing\n"
        #expect(throws: CommandError.self) { try check() }
    }

    @Test("Arguments that say nothing sensible are refused")
    func arguments() throws {
        #expect(throws: CommandError.self) { try Command(arguments: ["--write"]) }
        #expect(throws: CommandError.self) { try Command(arguments: ["--check-menu"]) }
        #expect(throws: CommandError.self) { try Command(arguments: ["--unknown", "x"]) }
        #expect(throws: CommandError.self) { try Command(arguments: ["--menu", "/nonexistent/path"]).run() }
        #expect(try Command(arguments: []).run() == 0)
        #expect(try Command(arguments: ["--help"]).run() == 0)
    }
}
