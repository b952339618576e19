import ArgumentParser
import Logging
import SkerryObjects
import SkerryStorage

/// Where the store is that a command is about: the directory of a stopped server, or the admin port of a running one.
struct StoreLocation: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Data directory. When a server holds it, its admin port is asked. [environment: \(Setting.data.environmentName); default: ./skerry-data]",
            valueName: "dir"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Admin port of a running server. The root credentials come from \(RootCredentials.accessKeyVariable) and "
                + "\(RootCredentials.secretKeyVariable), or from the data directory.",
            valueName: "host:port"))
    var admin: String?

    /// The data directory: the flag, else the environment, else the default.
    var directory: String { data ?? ProcessEnvironment.skerry[Setting.data.environmentName] ?? Setting.data.defaultValue ?? "." }

    /// Runs `body` with the administration of the store, and closes what was opened for it.
    func withAdministration<Result>(_ body: (any Administration) async throws -> Result) async throws -> Result {
        do {
            if let admin { return try await body(RemoteAdministration(transport: try client(at: admin))) }
            guard let directory = try openDirectory() else { return try await body(RemoteAdministration(transport: try client())) }
            return try await withStore(directory, body)
        } catch let error as AdminError where error.code == .unauthorized {
            throw CommandFailure("the server has other root credentials than those used here; it does not say which")
        } catch let error as AdminError {
            throw CommandFailure(error.message)
        }
    }

    // MARK: A stopped server's directory

    /// Nil when a server holds it.
    private func openDirectory() throws(CommandFailure) -> StoreDirectory? {
        do {
            return try StoreDirectory(path: directory, creates: false)
        } catch {
            if error.code == .locked { return nil }
            throw CommandFailure(error, directory: directory)
        }
    }

    /// How a store is opened for one command. Nobody reads or uploads beside it, so collection needs no grace; and a clock that stands behind
    /// does not keep anybody from looking.
    private static var options: StoreOptions {
        var options = StoreOptions()
        options.collectionGrace = 0
        options.allowClockBehind = true
        return options
    }

    /// What goes wrong is in the command's own words; of the rest only warnings are shown.
    private static let logger = Logger(label: "skerry") { _ in StandardErrorHandler(level: .warning) }

    private func withStore<Result>(
        _ directory: StoreDirectory, _ body: (any Administration) async throws -> Result
    ) async throws -> Result {
        let open = try await OpenStore(directory, StoreLocation.options, StoreLocation.logger)
        let result: Result
        do {
            result = try await body(StoreAdministration(store: open.store, rootAccessKey: try rootCredentials()?.accessKey))
        } catch {
            try? await open.close()
            throw error
        }
        try await open.close()
        return result
    }

    // MARK: A running server

    /// The server that holds the data directory.
    private func client() throws(CommandFailure) -> AdminClient {
        guard let endpoint = AdminEndpoint.read(in: directory) else {
            throw CommandFailure("\(directory) is in use, and its server does not say where its admin port is; is it still starting?")
        }
        return AdminClient(address: endpoint.address, token: endpoint.token)
    }

    private func client(at address: String) throws(CommandFailure) -> AdminClient {
        guard let address = ListenAddress(address) else { throw CommandFailure("\"\(address)\" is not an address of the form HOST:PORT") }
        if let credentials = try RootCredentials.inEnvironment(ProcessEnvironment.skerry) {
            return AdminClient(address: address, token: AdminToken(credentials))
        }
        if let endpoint = AdminEndpoint.read(in: directory) { return AdminClient(address: address, token: endpoint.token) }
        throw CommandFailure(
            "the admin port wants the root credentials: set \(RootCredentials.accessKeyVariable) and \(RootCredentials.secretKeyVariable), "
                + "or name the server's data directory with --data")
    }

    private func rootCredentials() throws(CommandFailure) -> RootCredentials? {
        if let credentials = try RootCredentials.inEnvironment(ProcessEnvironment.skerry) { return credentials }
        return try RootCredentialRecord.read(in: directory)?.generated
    }
}
