/// Why a menu could not be made or read: a sentence, and the line of the text when there is one.
package struct MenuError: Error, Equatable, CustomStringConvertible {
    package let message: String
    /// Counted from 1.
    package let line: Int?

    init(_ message: String, line: Int? = nil) {
        self.message = message
        self.line = line
    }

    package var description: String { line.map { "line \($0): \(message)" } ?? message }
}
