import ArgumentParser

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read everything that is stored and check it.",
        discussion: "Prints a line for each problem; ends with 1 when there are any.")

    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var location: StoreLocation

    func run() async throws {
        let progress = ProgressLine("verified")
        let report = try await location.withAdministration { try await $0.verify(progress: progress.show) }
        progress.end()
        StandardOutput.write(json ? report.json.indented + "\n" : report.text)
        if !report.problems.isEmpty { throw ExitCode.failure }
    }
}

extension VerificationRecord {
    var text: String {
        let problemText = problems.map { "problem: \($0)\n" }.joined()
        let outcome = problems.isEmpty ? "no problems" : problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return problemText + "\(objects) objects, \(records) records, \(ByteText(bytes)): \(outcome)\n"
    }
}
