import ArgumentParser
import SkerryStorage

struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Make the index of a stopped server anew, from the packs alone.",
        discussion: "Do this when the index is damaged. The new one takes the place of the old one when it is whole.")

    @Option(
        help: ArgumentHelp(
            "Data directory. [environment: \(Setting.data.environmentName); default: ./skerry-data]", valueName: "dir"))
    var data: String?

    func run() throws {
        let path = data ?? ProcessEnvironment.skerry[Setting.data.environmentName] ?? Setting.data.defaultValue ?? "."
        let progress = ProgressLine("read")
        do throws(StorageError) {
            let records = try IndexRebuild.run(path: path, progress: progress.show)
            progress.end()
            StandardOutput.write("the index was made from \(records) records\n")
        } catch {
            progress.end()
            throw CommandFailure(error, directory: path)
        }
    }
}
