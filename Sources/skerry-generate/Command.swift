import SkerryGenerator

/// Why the printer could not do its work.
struct CommandError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// One invocation of the printer.
struct Command {
    enum Action {
        case print, write, check, menu, checkMenu(String), help
    }

    let action: Action
    let paths: [String]

    init(arguments: [String]) throws(CommandError) {
        var action = Action.print
        var rest = arguments[...]
        switch rest.first {
        case "--help", "-h", nil: action = .help
        case "--write": action = .write
        case "--check": action = .check
        case "--menu": action = .menu
        case "--check-menu":
            guard rest.count >= 2 else { throw CommandError("--check-menu needs the committed menu") }
            action = .checkMenu(rest[1])
            rest.removeFirst()
        case let option? where option.hasPrefix("-"): throw CommandError("no option \(option); --help lists them")
        default: rest = [""] + rest
        }
        rest = rest.dropFirst()
        if case .help = action {
        } else if rest.isEmpty {
            throw CommandError("name the files or directories to read")
        }
        self.action = action
        paths = Array(rest)
    }

    static let usage = """
        skerry-generate FILE…                 print what the marked declarations of the files expand to
        skerry-generate --write PATH…         write it beside each file that has marks in comments: Part.swift gives Part+Generated.swift
        skerry-generate --check PATH…         fail when one of these is missing, left over or not current
        skerry-generate --menu PATH…          print the menu: services and shapes as peers see them
        skerry-generate --check-menu MENU PATH…   fail when the menu is not the one in the file MENU, and say what that means for old peers

        A path is a Swift file or a directory searched for them. Marks are the attributes of SkerryMacros, or the same in comments: // @Shape

        """

    /// - Returns: the exit status: 0 when all is well, 1 when something is not current or cannot be expanded.
    func run() throws(CommandError) -> Int32 {
        switch action {
        case .help:
            Files.say(Self.usage)
            return 0
        case .print: return try printExpansions()
        case .write: return try write()
        case .check: return try check()
        case .menu:
            guard let menu = try menu() else { return 1 }
            Files.say(menu.text)
            return 0
        case .checkMenu(let path): return try check(menuAt: path)
        }
    }

    // MARK: - Expansions

    private func printExpansions() throws(CommandError) -> Int32 {
        var status: Int32 = 0
        for path in try files() {
            if let file = try load(path) { Files.say(file.printed()) } else { status = 1 }
        }
        return status
    }

    private func write() throws(CommandError) -> Int32 {
        var status: Int32 = 0
        for path in try files() {
            let text = try Files.contents(of: path)
            guard CommentedAttributes.mark(text) else { continue }
            guard let file = load(path, text) else {
                status = 1
                continue
            }
            let output = Self.directory(path) + SourceFile.outputName(file.name)
            if (try? Files.contents(of: output)) != file.printed() { try Files.replace(output, with: file.printed()) }
        }
        return status
    }

    private func check() throws(CommandError) -> Int32 {
        var status: Int32 = 0
        func fail(_ message: String) {
            Files.complain(message)
            status = 1
        }
        for path in try files() {
            let text = try Files.contents(of: path)
            if let source = SourceFile.source(ofPrinted: text) {
                let marked = (try? Files.contents(of: Self.directory(path) + source)).map(CommentedAttributes.mark) ?? false
                if !marked { fail("\(path): error: \(source), from which this was printed, is gone or has no marks: remove this file") }
            }
            guard CommentedAttributes.mark(text) else { continue }
            guard let file = load(path, text) else {
                status = 1
                continue
            }
            let output = Self.directory(path) + SourceFile.outputName(file.name)
            guard let printed = try? Files.contents(of: output) else {
                fail("\(path): error: \(output) is missing: run skerry-generate --write")
                continue
            }
            if let line = Self.firstDifference(printed, file.printed()) {
                fail("\(output):\(line): error: not what \(file.name) expands to: run skerry-generate --write")
            }
        }
        return status
    }

    // MARK: - Menus

    private func menu() throws(CommandError) -> Menu? {
        var loaded: [SourceFile] = []
        var isWhole = true
        for path in try files() {
            if let file = try load(path) { loaded.append(file) } else { isWhole = false }
        }
        guard isWhole else { return nil }
        do throws(MenuError) {
            return try Menu(loaded)
        } catch {
            throw CommandError(error.description)
        }
    }

    private func check(menuAt path: String) throws(CommandError) -> Int32 {
        let text = try Files.contents(of: path)
        let old: Menu
        do throws(MenuError) {
            old = try Menu(text: text)
        } catch {
            throw CommandError("\(path): \(error)")
        }
        guard let new = try menu() else { return 1 }
        let changes = new.changes(since: old)
        for change in changes { Files.complain("\(path): \(change.isCompatible ? "note" : "error"): \(change)") }
        if changes.contains(where: { !$0.isCompatible }) {
            Files.complain("\(path): peers built before will not understand; to accept that, print the menu anew with --menu")
            return 1
        }
        if new.text == text { return 0 }
        Files.complain("\(path): error: the menu changed, and old peers still understand: record it with --menu")
        return 1
    }

    // MARK: - Files

    private func files() throws(CommandError) -> [String] {
        var all: [String] = []
        for path in paths { all += try Files.swiftFiles(at: path) }
        return all
    }

    private func load(_ path: String) throws(CommandError) -> SourceFile? {
        load(path, try Files.contents(of: path))
    }

    /// The file, or nil after its errors were told.
    private func load(_ path: String, _ text: String) -> SourceFile? {
        let file = SourceFile(name: String(path.split(separator: "/").last ?? ""), text: text)
        for message in file.messages { Files.complain(Self.directory(path) + message) }
        return file.hasErrors ? nil : file
    }

    private static func directory(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// The first line, from 1, in which two texts differ; nil for equal ones.
    private static func firstDifference(_ a: String, _ b: String) -> Int? {
        if a == b { return nil }
        let (a, b) = (
            a.split(separator: "\n", omittingEmptySubsequences: false), b.split(separator: "\n", omittingEmptySubsequences: false)
        )
        return (zip(a, b).prefix { $0 == $1 }.count) + 1
    }
}
