import SwiftDiagnostics
import SwiftSyntax

/// The sentence beside a proposed change.
struct GeneratorFixIt: FixItMessage {
    let code: GeneratorCode
    let message: String

    var fixItID: MessageID { MessageID(domain: "Skerry", id: "\(code.rawValue).fixIt") }
}

/// A change of text the finding proposes.
struct Edit {
    let message: String
    let range: Range<AbsolutePosition>
    let text: String
    let node: Syntax

    /// Writes `text` before the first token of `node`.
    static func insert(_ text: String, before node: some SyntaxProtocol, _ message: String) -> Edit {
        let position = node.positionAfterSkippingLeadingTrivia
        return Edit(message: message, range: position..<position, text: text, node: Syntax(node))
    }

    /// Writes `text` behind the last token of `node`.
    static func insert(_ text: String, after node: some SyntaxProtocol, _ message: String) -> Edit {
        let position = node.endPositionBeforeTrailingTrivia
        return Edit(message: message, range: position..<position, text: text, node: Syntax(node))
    }

    /// Writes `text` in the place of `node`.
    static func replace(_ node: some SyntaxProtocol, with text: String, _ message: String) -> Edit {
        Edit(message: message, range: node.trimmedRange, text: text, node: Syntax(node))
    }

    /// Takes `node` and the space behind it away.
    static func remove(_ node: some SyntaxProtocol, _ message: String) -> Edit {
        Edit(message: message, range: node.positionAfterSkippingLeadingTrivia..<node.endPosition, text: "", node: Syntax(node))
    }
}

extension Edit {
    /// The same edit, belonging to `node`.
    func covering(_ node: some SyntaxProtocol) -> Edit {
        Edit(message: message, range: range, text: text, node: Syntax(node))
    }

    /// The same edit, replacing everything up to the end of `node`.
    func reaching(_ node: some SyntaxProtocol) -> Edit {
        Edit(message: message, range: range.lowerBound..<node.endPositionBeforeTrailingTrivia, text: text, node: self.node)
    }
}
