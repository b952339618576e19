/// Why a command ends without having done what was asked: one line for standard error, saying what to do, and the exit code.
struct CommandFailure: Error, Sendable, Hashable, CustomStringConvertible {
    var message: String
    var status: Int32

    init(_ message: String, status: Int32 = 1) {
        self.message = message
        self.status = status
    }

    /// One line, whatever the message holds.
    var description: String { "skerry: " + message.split(whereSeparator: \.isNewline).joined(separator: " ") }
}
