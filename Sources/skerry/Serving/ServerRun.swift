import Logging
import ServiceLifecycle
import SkerryHTTPServer
import SkerryObjects
import SkerryRocksDB
import SkerryS3
import SkerryStorage

/// One run of `skerry serve`, from the checks to the end.
///
/// The order keeps a start that fails from changing anything: look at the directory, take the ports, and only then make the directory
/// and open the store. Requests that come in between are told to try again.
struct ServerRun: Sendable {
    let configuration: ServerConfiguration
    /// Root credentials of the environment, nil when there are none.
    let environmentCredentials: RootCredentials?
    let logger: Logger

    private let started = Timestamp.now
    private let signals = ShutdownSignals()
    private let requests = RequestCounters()

    init(configuration: ServerConfiguration, environmentCredentials: RootCredentials?, logger: Logger) {
        self.configuration = configuration
        self.environmentCredentials = environmentCredentials
        self.logger = logger
    }

    /// Returns after a drained shutdown.
    ///
    /// - Throws: ``CommandFailure`` when the start failed or the store could not be closed.
    func run() async throws {
        try await signals.watch {
            try checkDirectory()
            let s3 = Port(configuration.listen, option: Setting.listen.flag, logger)
            let admin = Port(configuration.admin, option: Setting.admin.flag, logger)
            do {
                try await serve(s3, at: try await s3.start(), admin, at: try await admin.start())
            } catch {
                await s3.server.shutdownGracefully()
                await admin.server.shutdownGracefully()
                throw error
            }
        }
    }

    private func serve(_ s3: Port, at s3Address: HTTPServer.Address, _ admin: Port, at adminAddress: HTTPServer.Address) async throws {
        let open = try await openStore()
        do {
            let credentials = try await prepare(open, endpoint: s3Address)
            try begin(open, s3, admin, at: adminAddress, credentials)
        } catch {
            try? await open.close()
            throw error
        }
        logger.info("ready", metadata: ["data": "\(configuration.data)", "s3": "\(s3Address)", "admin": "\(adminAddress)"])
        StandardOutput.write("skerry: serving S3 on http://\(s3Address)\n")
        let group = ServiceGroup(configuration: groupConfiguration(open, s3, admin))
        await signals.attach(group)
        try await group.run()
    }

    // MARK: The store

    private func openStore() async throws(CommandFailure) -> OpenStore {
        let directory: StoreDirectory
        do {
            directory = try StoreDirectory(path: configuration.data, creates: true)
        } catch {
            throw CommandFailure(error, directory: configuration.data)
        }
        return try await OpenStore(directory, configuration.storeOptions, logger)
    }

    /// Whether the directory could be opened, as far as can be said without a change on disk.
    private func checkDirectory() throws(CommandFailure) {
        do {
            try DataDirectory.check(path: configuration.data)
        } catch {
            throw CommandFailure(error, directory: configuration.data)
        }
    }

    /// Root's user, its credentials and the first bucket.
    private func prepare(_ open: OpenStore, endpoint: HTTPServer.Address) async throws(CommandFailure) -> RootCredentials {
        let path = configuration.data
        let former = try RootCredentialRecord.read(in: path)
        let plan = RootCredentialPlan(environment: environmentCredentials, record: former)
        if plan.record != former { try plan.record.write(in: path) }
        let file = RootCredentialRecord.path(in: path)
        if FileAccess.isReadableByOthers(file) {
            logger.warning("others may read the root credentials; chmod 600 the file", metadata: ["file": "\(file)"])
        }
        try await open.store.install(plan)
        if let bucket = configuration.bucket { try await open.store.makeBucket(bucket, region: configuration.region) }
        if plan.isNew {
            StandardOutput.writeError(
                FirstStartText(plan.credentials, file: file, endpoint: "\(endpoint)", region: configuration.region).text)
        }
        return plan.credentials
    }

    // MARK: Services

    /// Puts the services behind the ports and tells commands where the admin port is.
    private func begin(
        _ open: OpenStore, _ s3: Port, _ admin: Port, at adminAddress: HTTPServer.Address, _ credentials: RootCredentials
    ) throws(CommandFailure) {
        let token = AdminToken(credentials)
        let administration = StoreAdministration(store: open.store, rootAccessKey: credentials.accessKey)
        admin.service.begin(
            AdminService(
                administration: administration, token: token, isHealthy: { [signals] in !signals.isDraining },
                metrics: { [self] in await metrics(s3.server, open.directory) }, logger: logger))
        s3.service.begin(s3Service(open.store))
        if let address = ListenAddress(adminAddress.description) {
            try AdminEndpoint(address: address, token: token).write(in: configuration.data)
        }
    }

    private func s3Service(_ store: ObjectStore) -> S3Service {
        S3Service(
            store,
            configuration: S3Configuration(region: configuration.region, domains: configuration.domains, hostID: configuration.site),
            logger: logger, observer: requests)
    }

    private func metrics(_ server: HTTPServer, _ directory: StoreDirectory) async -> String {
        let path = directory.path
        let freeBytes = try? await directory.blocking.run { () throws(StorageError) in FileAccess.freeBytes(path) }
        return ServerMetrics(
            version: Skerry.version, started: started.milliseconds / 1000, process: .now(), http: server.statistics,
            requests: requests.counts,
            freeBytes: freeBytes ?? nil
        ).text
    }

    /// Started from first to last, ended from last to first: S3 drains, then the admin port, collection ends, then the store closes.
    private func groupConfiguration(_ open: OpenStore, _ s3: Port, _ admin: Port) -> ServiceGroupConfiguration {
        ServiceGroupConfiguration(
            services: [
                StoreService(open: open, logger: logger),
                CollectionService(store: open.store, interval: configuration.collectionInterval, logger: logger),
                HTTPServerService(server: admin.server), HTTPServerService(server: s3.server),
            ],
            gracefulShutdownSignals: [], cancellationSignals: [], logger: logger)
    }
}

extension ServerConfiguration {
    fileprivate var storeOptions: StoreOptions {
        var options = StoreOptions()
        options.siteName = site
        options.uploadMemory = uploadMemory
        options.collectionGrace = collectionGrace
        options.allowClockBehind = allowsClockBehind
        return options
    }
}
