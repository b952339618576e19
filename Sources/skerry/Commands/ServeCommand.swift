import ArgumentParser
import Glibc
import Logging

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve S3 from a directory.",
        discussion: """
            A flag goes before an environment variable, that before the configuration file, and that before the default. The file is one JSON \
            object; the name of each setting in it stands behind "file:" below.

            The root credentials come from \(RootCredentials.accessKeyVariable) and \(RootCredentials.secretKeyVariable). Without them they are \
            made at the first start, shown once and kept in the file \(RootCredentialRecord.fileName) of the data directory.

            When it is ready it prints one line to standard output: "skerry: serving S3 on http://HOST:PORT". SIGTERM and SIGINT let requests \
            under way finish and end it with 0; a second signal ends it at once.
            """)

    @Option(help: ServeCommand.help(.data, "dir"))
    var data: String?
    @Option(help: ServeCommand.help(.listen, "host:port"))
    var listen: String?
    @Option(help: ServeCommand.help(.admin, "host:port"))
    var admin: String?
    @Option(help: ServeCommand.help(.region, "name"))
    var region: String?
    @Option(help: ServeCommand.help(.domain, "name"))
    var domain: [String] = []
    @Option(help: ServeCommand.help(.site, "name"))
    var site: String?
    @Option(help: ServeCommand.help(.bucket, "name"))
    var bucket: String?
    @Option(help: ServeCommand.help(.logLevel, "level"))
    var logLevel: String?
    @Option(help: ServeCommand.help(.uploadMemory, "mib"))
    var uploadMemory: String?
    @Option(help: ServeCommand.help(.collectionGrace, "seconds"))
    var collectionGrace: String?
    @Option(help: ServeCommand.help(.collectionInterval, "seconds"))
    var collectionInterval: String?
    @Flag(help: ServeCommand.help(.allowClockBehind, nil))
    var allowClockBehind = false
    @Option(help: ArgumentHelp("Configuration file. [environment: \(ServeCommand.fileVariable)]", valueName: "file"))
    var config: String?

    static let fileVariable = "SKERRY_CONFIG"

    func run() async throws {
        let environment = ProcessEnvironment.skerry
        let configuration = try ServerConfiguration(flags: flags, environment: environment, file: config ?? environment[Self.fileVariable])
        let environmentCredentials = try RootCredentials.inEnvironment(environment)
        LoggingSystem.bootstrap { _ in StandardErrorHandler(level: configuration.logLevel) }
        let run = ServerRun(
            configuration: configuration, environmentCredentials: environmentCredentials, logger: Logger(label: "skerry"))
        do {
            try await run.run()
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("the server failed: \(error)")
        }
    }

    /// What the command line gives.
    var flags: [Setting: String] {
        var flags: [Setting: String] = [:]
        flags[.data] = data
        flags[.listen] = listen
        flags[.admin] = admin
        flags[.region] = region
        flags[.domain] = domain.isEmpty ? nil : domain.joined(separator: ",")
        flags[.site] = site
        flags[.bucket] = bucket
        flags[.logLevel] = logLevel
        flags[.uploadMemory] = uploadMemory
        flags[.collectionGrace] = collectionGrace
        flags[.collectionInterval] = collectionInterval
        flags[.allowClockBehind] = allowClockBehind ? "true" : nil
        return flags
    }

    private static func help(_ setting: Setting, _ valueName: String?) -> ArgumentHelp {
        ArgumentHelp("\(setting.help)", valueName: valueName)
    }
}
