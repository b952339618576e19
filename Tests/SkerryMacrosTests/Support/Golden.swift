import Foundation
import Testing

/// The committed files that outputs are compared with.
///
/// `SKERRY_RECORD=1 swift test --filter SkerryMacrosTests` writes them anew; read the difference before committing it.
enum Golden {
    static let tests = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
    static let repository = tests.deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: tests.appending(path: path), encoding: .utf8)
    }

    /// Expects the file `name` to hold `text`, or puts it there when recording.
    static func expect(_ text: String, in name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let url = tests.appending(path: "Golden").appending(path: name)
        if ProcessInfo.processInfo.environment["SKERRY_RECORD"] == "1" {
            try text.write(to: url, atomically: true, encoding: .utf8)
            return
        }
        let known = try String(contentsOf: url, encoding: .utf8)
        if known == text { return }
        let lines = zip(
            known.split(separator: "\n", omittingEmptySubsequences: false), text.split(separator: "\n", omittingEmptySubsequences: false))
        let difference = lines.enumerated().first { $0.element.0 != $0.element.1 }
        Issue.record(
            """
            \(name) differs from line \((difference?.offset ?? 0) + 1):
            - \(difference?.element.0 ?? "(shorter)")
            + \(difference?.element.1 ?? "(shorter)")
            """, sourceLocation: sourceLocation)
    }
}
