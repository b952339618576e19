import SwiftParser
import SwiftSyntax

extension DeclSyntax {
    /// The declarations in `text`, as they stand in a type.
    static func members(_ text: String) -> [DeclSyntax] {
        let wrapper = parsed("struct _ {\n\(text)\n}").first?.as(StructDeclSyntax.self)
        return wrapper?.memberBlock.members.map { $0.decl.trimmed } ?? []
    }

    /// The declarations in `text`, as they stand in a file.
    static func parsed(_ text: String) -> [DeclSyntax] {
        Parser.parse(source: text).statements.compactMap { $0.item.as(DeclSyntax.self) }
    }
}
