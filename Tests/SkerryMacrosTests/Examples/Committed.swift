import SkerryRPC

// Declarations of a module that does not build the macros: the marks stand in comments, and `Committed+Generated.swift` is printed.

/// One entry of a journal.
// @Shape
package struct JournalEntry: Equatable, Sendable {
    /// Counts from 0.
    // @Key("seq")
    package var sequence: UInt64
    package var text: String
    package var marks: [Mark] = []

    // @Shape
    package enum Mark: String, Equatable, Sendable {
        case read, kept
    }

    package init(sequence: UInt64, text: String, marks: [Mark] = []) {
        self.sequence = sequence
        self.text = text
        self.marks = marks
    }
}

/// Keeps entries.
// @Service
package protocol Journal: Sendable {
    /// Adds an entry and answers how many there are.
    // @Wire("add.v1")
    func add(_ entry: JournalEntry) async throws -> Int

    /// The newest entries.
    // @ReadOnly @GET("/journal")
    func newest(limit: Int?) async throws -> [JournalEntry]
}
