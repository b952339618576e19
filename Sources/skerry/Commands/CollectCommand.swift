import ArgumentParser

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect",
        abstract: "Remove what nothing refers to any more, now.",
        discussion: """
            A running server does this by itself, and keeps unused bytes for its grace: a first run finds them, a later one removes them. On the \
            directory of a stopped server, where nobody can be about to use them, one run does both.
            """)

    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var location: StoreLocation

    func run() async throws {
        let report = try await location.withAdministration { try await $0.collect() }
        StandardOutput.write(json ? PrettyJSON.text(report) : report.text)
    }
}

extension CollectionRecord {
    var text: String {
        let change =
            freedBytes < 0 ? "\(ByteText(freedBytes.magnitude)) taken to move what is used" : "\(ByteText(freedBytes.magnitude)) freed"
        return "\(unusedBlocks) unused blocks found, \(removedBlocks) removed, \(rewrittenPacks) packs rewritten, \(change)\n"
    }
}
