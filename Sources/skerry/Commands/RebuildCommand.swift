import ArgumentParser
import SkerryObjects
import SkerryStorage

struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Make the index of a stopped server anew, from the packs alone.",
        discussion: "The packs are the truth and are only read. Do this when the index is damaged or was removed.")

    @Option(
        help: ArgumentHelp(
            "Data directory. [environment: \(Setting.data.environmentName); default: ./skerry-data]", valueName: "dir"))
    var data: String?

    func run() async throws {
        let path = data ?? ProcessEnvironment.skerry[Setting.data.environmentName] ?? Setting.data.defaultValue ?? "."
        let directory: StoreDirectory
        do {
            directory = try StoreDirectory(path: path, creates: false)
        } catch {
            throw CommandFailure(error, directory: path)
        }
        let records = try await rebuild(directory)
        StandardOutput.write("the index was made from \(records) records\n")
    }

    private func rebuild(_ directory: StoreDirectory) async throws(CommandFailure) -> UInt64 {
        let progress = ProgressLine("read")
        let outcome = await outcome(of: directory, progress)
        progress.end()
        do {
            try await directory.closeEngines()
        } catch {
            // What the work itself said comes first.
            if case .success = outcome { throw CommandFailure(error, directory: directory.path) }
        }
        do {
            return try outcome.get()
        } catch {
            throw CommandFailure(error, directory: directory.path)
        }
    }

    /// Runs on a thread of the pool: it reads the whole log.
    private func outcome(of directory: StoreDirectory, _ progress: ProgressLine) async -> Result<UInt64, ObjectError> {
        do {
            return try await directory.blocking.run { [metadata = directory.metadata, packs = directory.packs] () throws(StorageError) in
                Result { () throws(ObjectError) in
                    try ObjectStore.rebuild(metadata: metadata, packs: packs, progress: progress.show)
                }
            }
        } catch {
            return .failure(ObjectError(error))
        }
    }
}
