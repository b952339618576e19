import SkerryCRDT
import SkerryDocuments

/// One call of the program.
struct Command {
    static let usage = """
        notes-example --file FILE COMMAND          notes in a single file
        notes-example --directory DIR COMMAND      notes in an engine

          add TITLE [BODY]                  prints the new note's name
          list                              names and titles
          show NOTE                         title and body
          edit NOTE --title TITLE           another title
          edit NOTE --append TEXT           more at the end
          edit NOTE --replace OLD --with NEW
          remove NOTE
          take NOTE                         appends each line of the input, and prints "ok N" when line N is on disk
          check                             reads everything and says what is wrong
          compact                           gives back room on disk
          sync -- PROGRAM ARGUMENTS         exchanges notes with a program that speaks serve's side on its input and output
          serve                             the other side
        """

    private enum Place {
        case file(String), directory(String)
    }

    private let place: Place
    private var arguments: Arguments
    private let verb: String

    init(_ arguments: inout Arguments) throws {
        switch (try arguments.option("--file"), try arguments.option("--directory")) {
        case (let file?, nil): place = .file(file)
        case (nil, let directory?): place = .directory(directory)
        default: throw UsageError("one of --file and --directory is needed")
        }
        verb = try arguments.next("the command")
        self.arguments = arguments
    }

    mutating func run() async throws {
        let notebook =
            switch place {
            case .file(let path): try await Notebook(file: path)
            case .directory(let path): try await Notebook(directory: path)
            }
        do {
            try await run(notebook)
        } catch {
            try? await notebook.store.close()
            throw error
        }
        try await notebook.store.close()
    }

    private mutating func run(_ notebook: Notebook) async throws {
        switch verb {
        case "add":
            let title = try arguments.next("the title"), body = arguments.nextIfAny() ?? ""
            try arguments.finish()
            say(try await notebook.add(title: title, body: body))
        case "list":
            try arguments.finish()
            for note in try await notebook.list() { say("\(note.name)  \(note.title)") }
        case "show": try await show(notebook)
        case "edit": try await edit(notebook)
        case "remove":
            let name = try arguments.next("the note")
            try arguments.finish()
            _ = try await notebook.note(name)
            try await notebook.store.delete(Notebook.prefix + name)
        case "take": try await take(notebook)
        case "check":
            try arguments.finish()
            let damage = try await notebook.store.check()
            for line in damage { say("\(line)") }
            if !damage.isEmpty { throw UsageError("\(damage.count) damaged") }
        case "compact":
            try arguments.finish()
            try await notebook.store.compact()
        case "sync":
            let child = try Child(arguments.rest())
            var exchange = Exchange(notebook, input: child.output, output: child.input)
            try await exchange.lead()
            try child.finish()
        case "serve":
            try arguments.finish()
            var exchange = Exchange(notebook, input: 0, output: 1)
            try await exchange.follow()
        default: throw UsageError("\(verb) is no command")
        }
    }

    private mutating func show(_ notebook: Notebook) async throws {
        let note = try await notebook.note(try arguments.next("the note"))
        try arguments.finish()
        // Titles written at the same time are both kept; the first is the one that counts.
        say(note.register("title").values.compactMap(\.text).joined(separator: " | "))
        say(note.text("body").string)
    }

    private mutating func edit(_ notebook: Notebook) async throws {
        let title = try arguments.option("--title"), more = try arguments.option("--append")
        let old = try arguments.option("--replace"), new = try arguments.option("--with")
        let note = try await notebook.note(try arguments.next("the note"))
        try arguments.finish()
        guard title != nil || more != nil || old != nil else { throw UsageError("nothing to change") }
        let place = try old.map { old in
            guard let place = find(old, in: note.text("body").string) else { throw UsageError("the note does not say \(old)") }
            return place
        }
        note.change { change in
            let body = change.text("body")
            if let title { change.register("title").value = .string(title) }
            if let place { body.replace(place, with: new ?? "") }
            if let more { body.insert(more, at: body.count()) }
        }
        try await notebook.store.commit(note)
    }

    /// Where a text stands in another, bytes of UTF-8.
    private func find(_ part: String, in text: String) -> Range<Int>? {
        let part = Array(part.utf8), text = Array(text.utf8)
        guard !part.isEmpty, part.count <= text.count else { return nil }
        return (0...text.count - part.count).first { text[$0..<$0 + part.count].elementsEqual(part) }.map { $0..<$0 + part.count }
    }

    private mutating func take(_ notebook: Notebook) async throws {
        let name = Notebook.prefix + (try arguments.next("the note"))
        try arguments.finish()
        var number = 0
        while let line = readLine(strippingNewline: false) {
            try await notebook.store.change(name) { change in
                if change.register("title").value == nil { change.register("title").value = "taken" }
                change.text("body").insert(line, at: change.text("body").count())
            }
            number += 1
            say("ok \(number)")
        }
    }
}
