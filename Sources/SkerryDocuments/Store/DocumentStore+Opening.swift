public import Logging
import SkerryCRDT
public import SkerryStorage

extension DocumentStore {
    /// Opens the documents that a pair of engines holds, and founds them on first use. The engines are the store's own: it closes them.
    ///
    /// - Throws: `damaged`, `newerFormat`, `foreign` (the log holds something else), what the engines report.
    public static func open(
        metadata: any MetadataEngine, packs: any PackEngine, blocking: any BlockingExecutor,
        options: DocumentStoreOptions = DocumentStoreOptions(), logger: Logger
    ) async throws(DocumentStoreError) -> DocumentStore {
        try await open(blocking: blocking, options: options, logger: logger) { () throws(StorageError) in
            try EngineStorage(metadata: metadata, packs: packs, origin: OriginID(rawValue: options.randomIdentifier()))
        }
    }

    /// How far into the log the rows of an engine go: a ``PackLog`` opened with it need not look at what lies before. Blocks.
    public static func appliedPosition(of metadata: any MetadataEngine) throws(StorageError) -> LogPosition {
        try EngineStorage.applied(metadata)
    }

    /// Opens a single file of documents, which is made when it is missing. A file of the same name with `.lock` behind it keeps other
    /// processes out.
    ///
    /// What a crash left behind the last commit is cut off. Damage inside is gone around and reported in ``quarantine``.
    ///
    /// - Throws: `locked`, `foreign`, `newerFormat`, `damaged` when the header is, what the file layer reports.
    public static func open(
        file path: String, files: some FileLayer, blocking: any BlockingExecutor, options: DocumentStoreOptions = DocumentStoreOptions(),
        logger: Logger
    ) async throws(DocumentStoreError) -> DocumentStore {
        try await open(blocking: blocking, options: options, logger: logger) { () throws(StorageError) in
            try FileStorage(
                files: files, path: path, origin: OriginID(rawValue: options.randomIdentifier()), randomIdentifier: options.randomIdentifier
            )
        }
    }

    private static func open(
        blocking: any BlockingExecutor, options: DocumentStoreOptions, logger: Logger,
        _ storage: @escaping @Sendable () throws(StorageError) -> any DocumentStorage
    ) async throws(DocumentStoreError) -> DocumentStore {
        do throws(StorageError) {
            return try await blocking.run { () throws(StorageError) in
                let storage = try storage()
                do throws(StorageError) {
                    let settings = try settle(storage, options, logger)
                    for damage in storage.quarantine { logger.error("damage in the file", metadata: ["damage": "\(damage)"]) }
                    return DocumentStore(storage: storage, settings: settings, blocking: blocking, options: options, logger: logger)
                } catch {
                    try? storage.close()
                    throw error
                }
            }
        } catch {
            throw DocumentStoreError(error)
        }
    }

    /// Whether this is the store that wrote the settings, or a copy of it that needs a name of its own; on disk before anything is
    /// committed under it.
    private static func settle(
        _ storage: any DocumentStorage, _ options: DocumentStoreOptions, _ logger: Logger
    ) throws(StorageError) -> StoreSettings {
        var settings = storage.settings
        let isNew = settings.sequence == 0 && settings.past.isEmpty && settings.place.isEmpty
        let isElsewhere = !options.place.isEmpty && !settings.place.isEmpty && settings.place != options.place
        if !options.place.isEmpty { settings.place = options.place }
        if !isNew, options.isRestored || isElsewhere {
            logger.notice("the store was copied or restored, and begins an epoch", metadata: ["origin": "\(settings.origin)"])
            settings.beginEpoch(OriginID(rawValue: options.randomIdentifier()))
        }
        if settings != storage.settings { try storage.commit(StorageGroup(settings: settings)) }
        return settings
    }

    /// Stretches of a single file that hold nothing sound. Documents whose commits lay there are refused by ``document(_:)`` and found by
    /// ``check()``.
    public var quarantine: [DocumentDamage] { storage.quarantine }
}
