import SwiftSyntax

/// A documentation comment, cut into what the generated descriptions need.
///
/// Knows the markup people write: `- Parameter x: …`, the grouped `- Parameters:`, `- Returns:`, `- Throws:`. Other fields stay in the discussion.
package struct Documentation: Hashable, Sendable {
    /// Everything before the first field, lines joined by line feeds; paragraphs stay apart by an empty line.
    package var text = ""
    /// Name and description of each documented parameter, in the order of the comment.
    package var parameters: [Parameter] = []
    /// What `- Returns:` says.
    package var returns = ""
    /// What `- Throws:` says.
    package var throwing = ""

    package struct Parameter: Hashable, Sendable {
        package var name: String
        package var text: String
    }

    package init() {}

    /// The comment before `node`: its last unbroken run of documentation lines.
    init(of node: some SyntaxProtocol) {
        self.init(lines: Self.lines(of: node.leadingTrivia))
    }

    /// What is said about the parameter `name`, or nothing.
    func parameter(_ name: String) -> String {
        parameters.first { $0.name == name }?.text ?? ""
    }
}

// MARK: - From trivia to lines

extension Documentation {
    private static func lines(of trivia: Trivia) -> [Substring] {
        var lines: [Substring] = []
        for piece in trivia {
            switch piece {
            case .docLineComment(let text):
                lines.append(text.dropFirst(3))
            case .docBlockComment(let text):
                lines = blockLines(text)
            case .newlines(let count), .carriageReturnLineFeeds(let count):
                if count > 1 { lines = [] }
            default:
                break
            }
        }
        return lines
    }

    private static func blockLines(_ text: String) -> [Substring] {
        var body = text.dropFirst(3)
        if body.hasSuffix("*/") { body = body.dropLast(2) }
        var lines = body.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let stripped = line.drop { $0 == " " || $0 == "\t" }
            return stripped.first == "*" ? stripped.dropFirst() : line
        }
        if let first = lines.first, first.allSatisfy(\.isWhitespace) { lines.removeFirst() }
        if let last = lines.last, last.allSatisfy(\.isWhitespace) { lines.removeLast() }
        return lines
    }
}

// MARK: - From lines to fields

extension Documentation {
    private enum Section {
        case text, parameter, parameterGroup, returns, throwing
    }

    init(lines: [Substring]) {
        let indent = lines.lazy.filter { !$0.allSatisfy(\.isWhitespace) }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        var section = Section.text
        var collected: [String] = []
        for line in lines {
            let line = line.dropFirst(min(indent, line.prefix { $0 == " " }.count)).trimmingSuffix(while: \.isWhitespace)
            section = append(String(line), to: section, &collected)
        }
        text = Self.joined(collected)
        for index in parameters.indices { parameters[index].text = Self.trimmed(parameters[index].text) }
        returns = Self.trimmed(returns)
        throwing = Self.trimmed(throwing)
    }

    /// Files one line, and says where the next one goes unless it opens a field itself.
    private mutating func append(_ line: String, to section: Section, _ collected: inout [String]) -> Section {
        let stripped = line.drop { $0 == " " }
        guard stripped.hasPrefix("- "), let colon = stripped.firstIndex(of: ":") else {
            file(String(stripped), in: section, line, &collected)
            return section
        }
        let head = stripped[..<colon].dropFirst(2).drop { $0 == " " }
        let tail = String(stripped[stripped.index(after: colon)...].drop { $0 == " " })
        switch head.lowercased() {
        case "parameters":
            return .parameterGroup
        case "returns":
            returns = tail
            return .returns
        case "throws":
            throwing = tail
            return .throwing
        case let head where head.hasPrefix("parameter "):
            parameters.append(Parameter(name: Self.name(stripped[..<colon].dropFirst("- parameter ".count)), text: tail))
            return .parameter
        default:
            if section == .parameterGroup, line.hasPrefix(" ") {
                parameters.append(Parameter(name: Self.name(head), text: tail))
                return .parameterGroup
            }
            collected.append(line)
            return .text
        }
    }

    private mutating func file(_ stripped: String, in section: Section, _ line: String, _ collected: inout [String]) {
        switch section {
        case .text: collected.append(line)
        case .parameter, .parameterGroup: if !parameters.isEmpty { parameters[parameters.count - 1].text += "\n" + stripped }
        case .returns: returns += "\n" + stripped
        case .throwing: throwing += "\n" + stripped
        }
    }

    private static func name(_ text: some StringProtocol) -> String {
        String(text.filter { $0 != "`" && $0 != " " })
    }

    private static func joined(_ lines: [String]) -> String {
        trimmed(lines.joined(separator: "\n"))
    }

    private static func trimmed(_ text: String) -> String {
        String(text.drop(while: \.isWhitespace).trimmingSuffix(while: \.isWhitespace))
    }
}

extension BidirectionalCollection where Element == Character, SubSequence == Substring {
    func trimmingSuffix(while matches: (Character) -> Bool) -> Substring {
        var end = endIndex
        while end > startIndex, matches(self[index(before: end)]) { end = index(before: end) }
        return self[startIndex..<end]
    }
}
