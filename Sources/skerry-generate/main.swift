do throws(CommandError) {
    let status = try Command(arguments: Array(CommandLine.arguments.dropFirst())).run()
    Files.leave(status)
} catch {
    Files.complain("skerry-generate: \(error.message)")
    Files.leave(2)
}
