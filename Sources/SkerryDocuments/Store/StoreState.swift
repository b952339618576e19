import SkerryCRDT

/// What a store knows in memory, behind its lock.
struct StoreState: Sendable {
    /// Commits that may wait.
    static let waitingMaximum = 8192

    var open = NameTable<OpenDocument>()
    /// The names of open documents, by identity.
    var names: [ObjectIdentifier: String] = [:]
    /// Documents that are being opened, and who waits for them; nil tells them to ask again.
    var opening = NameTable<[Promise<Document?>]>()
    var settings: StoreSettings
    /// The writer of documents that are opened from now on.
    var writer: OriginID
    /// Commits that wait, from `first` on; the array is cut when half of it is taken.
    var waiting: [CommitTicket] = []
    var isCommitting = false
    /// Why nothing can be committed any more.
    var failure: DocumentStoreError?
    var isClosed = false
    /// Uses of documents, counted to tell which was used last.
    var uses: UInt64 = 0
    /// Deletions so far: an opening that one of them overtook is made again.
    var deletions: UInt64 = 0
    /// By estimate, all open documents.
    var byteCount = 0

    init(settings: StoreSettings, writer: OriginID) {
        self.settings = settings
        self.writer = writer
    }

    /// An open document, used now.
    mutating func use(_ name: String) -> Document? {
        guard let index = open.index(forKey: name) else { return nil }
        uses += 1
        open.values[index].lastUse = uses
        return open.values[index].document
    }

    mutating func insert(_ document: OpenDocument) {
        uses += 1
        var document = document
        document.lastUse = uses
        byteCount += document.byteCount
        names[ObjectIdentifier(document.document)] = document.row.name
        open[document.row.name] = document
    }

    @discardableResult
    mutating func remove(_ name: String) -> Document? {
        guard let document = open.removeValue(forKey: name) else { return nil }
        names[ObjectIdentifier(document.document)] = nil
        return document.document
    }

    /// Counts anew, since documents grow, and lets go of those unused for longest that nobody refers to and that are on disk as they are,
    /// until seven eighths of the budget are left.
    ///
    /// A document that only the store refers to cannot be in use: whoever gets it gets it here, under the lock. One with an observer is
    /// referred to by it.
    ///
    /// - Returns: what went, to be released when the lock is free.
    mutating func evict(budget: Int) -> [Document] {
        byteCount = open.values.reduce(0) { $0 + $1.byteCount }
        guard byteCount > budget else { return [] }
        var gone: [Document] = []
        for name in open.values.sorted(by: { $0.lastUse < $1.lastUse }).map(\.row.name) {
            if byteCount <= budget / 8 * 7 { break }
            guard let document = evict(name) else { continue }
            gone.append(document)
        }
        return gone
    }

    /// Lets go of one document if it may go.
    mutating func evict(_ name: String) -> Document? {
        guard let index = open.index(forKey: name), isKnownUniquelyReferenced(&open.values[index].document) else { return nil }
        let entry = open.values[index]
        guard entry.document.version == entry.committed else { return nil }
        byteCount -= entry.byteCount
        return remove(name)
    }
}
