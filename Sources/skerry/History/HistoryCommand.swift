import ArgumentParser
import Glibc
import SkerryMerge
import SkerryReplication

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Keep the states of a directory, merge them and exchange them.",
        discussion: """
            A history stands in the directory \(WorkHistory.directoryName) beside the files it keeps. It keeps files and directories, not links, \
            owners or permissions; names that \(".skerryignore") lists are left alone.

            A revision is a branch, a tag, a remote's branch (origin/main), a commit's identifier or its first digits, or HEAD, with ~N for the \
            Nth commit before it and ^N for its Nth parent. A place is HOST:PORT where "skerry history serve" runs, a directory with a \
            history, a file with a bundle, or - for a bundle on standard input or output.

            Ends with 0 when it did what it says, 1 when the answer is no (nothing to commit, conflicts, a push that is not accepted, \
            differences with --exit-code, damage), 128 when it could not, 64 when the arguments make no sense.
            """,
        subcommands: [
            HistoryInit.self, HistoryStatus.self, HistoryCommit.self, HistoryLog.self, HistoryDiff.self, HistoryBranch.self,
            HistoryTag.self,
            HistoryCheckout.self, HistoryMerge.self, HistoryFetch.self, HistoryPull.self, HistoryPush.self, HistoryClone.self,
            HistoryRemote.self, HistoryServe.self, HistoryVerify.self, HistoryCollect.self,
        ])
}

/// Which history a command is about.
struct HistoryLocation: ParsableArguments {
    @Option(name: [.customShort("C"), .long], help: ArgumentHelp("Where to look for the history, upwards.", valueName: "dir"))
    var directory = "."

    func open() throws(CommandFailure) -> WorkHistory {
        try reporting { () throws(HistoryError) in try WorkHistory(from: directory) }
    }
}

/// When output is coloured.
struct ColourOption: ParsableArguments {
    enum When: String, ExpressibleByArgument, CaseIterable {
        case auto, always, never
    }

    @Option(help: "Colours: auto (on a terminal), always or never.")
    var color: When = .auto

    var isColoured: Bool {
        switch color {
        case .auto: StandardOutput.isTerminal
        case .always: true
        case .never: false
        }
    }
}

/// Runs `body` and says what went wrong as a command does.
func reporting<Value>(_ body: () throws(HistoryError) -> Value) throws(CommandFailure) -> Value {
    do { return try body() } catch { throw CommandFailure(error) }
}

func reporting<Value>(_ body: () async throws(HistoryError) -> Value) async throws(CommandFailure) -> Value {
    do { return try await body() } catch { throw CommandFailure(error) }
}

extension CommandFailure {
    /// A refusal is an answer and ends with 1, everything else with 128.
    init(_ error: HistoryError) {
        let hint: String
        switch error.code {
        case .notFastForward: hint = "; pull first, then push again"
        case .disconnected: hint = "; the same command again goes on from there"
        case .changedMeanwhile, .busy: hint = "; try again"
        case .corrupt: hint = "; `skerry history verify` says what is damaged"
        default: hint = ""
        }
        let object = error.object.map { " (\($0.abbreviated))" } ?? ""
        let isAnswer = [.noChange, .notFastForward, .refused, .nameTaken, .notEmpty, .changedMeanwhile].contains(error.code)
        self.init(error.message + object + hint, status: isAnswer ? 1 : 128)
    }
}

/// Who commits.
enum Author {
    static let variable = "SKERRY_AUTHOR"

    static func name(_ given: String?) -> String {
        if let name = given ?? ProcessEnvironment.skerry[variable] { return Plain.line(name) }
        var host = [CChar](repeating: 0, count: 256)
        let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "uid\(getuid())"
        guard gethostname(&host, host.count - 1) == 0 else { return user }
        return "\(user)@\(String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))"
    }
}

// MARK: - init

struct HistoryInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Begin a history in a directory.", discussion: "Begun again, an existing one stays as it is.")

    @Flag(help: "Without files of its own: a place to push to.")
    var bare = false
    @Argument(help: ArgumentHelp("The directory, which is made if it is missing.", valueName: "dir"))
    var directory = "."

    func run() throws {
        let isNew = !WorkHistory.exists(in: directory)
        let made = try reporting { () throws(HistoryError) in try WorkHistory(root: directory, creates: true, isBare: bare) }
        StandardOutput.write("\(isNew ? "began a history" : "there is a history already") in \(made.root)/\(WorkHistory.directoryName)\n")
    }
}

// MARK: - status

struct HistoryStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what changed since the last commit.",
        discussion: "A line for each file: A added, M changed, D removed, C to be settled after a merge.")

    @OptionGroup var location: HistoryLocation

    func run() throws {
        var work = try location.open()
        let text = try reporting { () throws(HistoryError) in try Self.text(&work) }
        StandardOutput.write(bytes: text)
    }

    static func text(_ work: inout WorkHistory) throws(HistoryError) -> [UInt8] {
        let head = try work.requireHead()
        let base = try work.baseFiles()
        let scan = try work.scan(base: base)
        var text: [UInt8] = []
        func line(_ mark: String, _ path: FilePath) { text += Array("\(mark) ".utf8) + QuotedPath.bytes(path) + [0x0A] }
        if let branch = head.branch {
            text += Array("# branch \(branch)\n".utf8)
            if let at = work.history.names[.branch(branch)], at != head.commit {
                text += Array("# \(branch) has moved to \(at.abbreviated); `skerry history merge \(branch)` brings it here\n".utf8)
            }
        } else {
            text += Array("# at \(head.commit?.abbreviated ?? "nothing"), on no branch\n".utf8)
        }
        if let merge = head.merge {
            text += Array(
                "# merging \(merge.name) (\(merge.other.abbreviated)): settle the conflicts and commit, or `skerry history merge --abort`\n"
                    .utf8)
        }
        let conflicts = Set(head.merge?.conflicts ?? [])
        for path in Set(base.keys).union(scan.files.keys).union(conflicts).sorted() {
            switch (base[path], scan.files[path]) {
            case _ where conflicts.contains(path): line("C", path)
            case (nil, _?): line("A", path)
            case (_?, nil): line("D", path)
            case (let old?, let new?) where old != new: line("M", path)
            default: break
            }
        }
        for name in scan.leftOut { text += Array("# left out: ".utf8) + QuotedPath.bytes(Array(name.utf8)) + [0x0A] }
        return text
    }
}

/// Texts of others on a terminal.
enum Plain {
    /// The text with `\u{FFFD}` for each control character, which may be a command to the terminal; a tab stays.
    static func line(_ text: some StringProtocol) -> String {
        var plain = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 && scalar != "\t" || (0x7F..<0xA0).contains(scalar.value)
            plain.append(isControl ? "\u{FFFD}" : scalar)
        }
        return String(plain)
    }
}

/// A path as git writes it: between quotes and with escapes where it holds anything unusual.
enum QuotedPath {
    static func bytes(_ path: FilePath, prefix: String = "") -> [UInt8] {
        bytes(Array(prefix.utf8) + Array(path.names.joined(separator: [0x2F])))
    }

    static func bytes(_ path: [UInt8]) -> [UInt8] {
        guard path.contains(where: { $0 < 0x20 || $0 >= 0x7F || $0 == 0x22 || $0 == 0x5C }) else { return path }
        var quoted: [UInt8] = [0x22]
        for byte in path {
            switch byte {
            case 0x0A: quoted += [0x5C, 0x6E]
            case 0x09: quoted += [0x5C, 0x74]
            case 0x0D: quoted += [0x5C, 0x72]
            case 0x22, 0x5C: quoted += [0x5C, byte]
            case 0x20..<0x7F: quoted.append(byte)
            default: quoted += [0x5C, 0x30 + (byte >> 6), 0x30 + (byte >> 3 & 7), 0x30 + (byte & 7)]
            }
        }
        return quoted + [0x22]
    }
}
