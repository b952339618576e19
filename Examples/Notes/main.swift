import SkerryDocuments

// notes-example --file FILE | --directory DIRECTORY  COMMAND ARGUMENTS
do {
    var arguments = Arguments(CommandLine.arguments.dropFirst())
    var command = try Command(&arguments)
    try await command.run()
} catch let error as UsageError {
    complain("notes: \(error.message)\n\n\(Command.usage)")
    leave(2)
} catch {
    complain("notes: \(error)")
    leave(1)
}
