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
        StandardOutput.write(json ? PrettyJSON.text(report) : report.text)
        if !report.isSound { throw ExitCode.failure }
    }
}

extension VerificationRecord {
    var text: String {
        let problemText = problems.map { "problem: \($0)\n" }.joined()
        let count = UInt64(problems.count) + unlistedProblems
        let outcome = count == 0 ? "no problems" : count == 1 ? "1 problem" : "\(count) problems"
        return problemText + "\(versions) versions, \(records) records, \(ByteText(bytes)): \(outcome)\n"
    }
}
