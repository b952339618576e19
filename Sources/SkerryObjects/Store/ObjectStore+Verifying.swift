import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// What a verification found.
public struct VerifyReport: Sendable, Hashable {
    /// Records of the log that were read.
    public var records: UInt64 = 0
    /// Bytes that were read.
    public var bytes: UInt64 = 0
    /// Versions whose chunks were looked for.
    public var versions: UInt64 = 0
    /// One line each, at most ``problemsMaximum``; empty when all is well.
    public var problems: [String] = []
    /// Problems beyond those that are listed.
    public var unlistedProblems: UInt64 = 0

    public static let problemsMaximum = 1000

    mutating func note(_ problem: String) {
        if problems.count < VerifyReport.problemsMaximum { problems.append(problem) } else { unlistedProblems += 1 }
    }
}

extension ObjectStore {
    /// Reads the whole log, compares every chunk with its name, and checks that every version finds all its bytes. Changes nothing.
    ///
    /// Safe beside reads and writes, never beside a collection, which removes packs: one of the two is refused with `conditionalConflict`.
    ///
    /// - Parameter progress: Called now and then with the records and bytes read so far.
    public func verify(progress: @escaping @Sendable (_ records: UInt64, _ bytes: UInt64) -> Void) async throws(ObjectError) -> VerifyReport
    {
        guard collector.begin() else { throw ObjectError(.conditionalConflict, "A collection or a verification is running already.") }
        defer { collector.end() }
        let (metadata, packs, blocks) = (metadata, packs, blocks)
        let ticket = epochs.enter()
        return try await onDisk { () throws(StorageError) in
            defer { withExtendedLifetime(ticket) {} }
            var report = VerifyReport()
            let damaged = try ObjectStore.verifyLog(packs, &report, progress)
            var check = VersionCheck(metadata: metadata, blocks: blocks, damagedPacks: damaged, report: report)
            try check.run()
            return check.report
        }
    }

    /// Returns the packs that could not be read to their end: damage ends the walk, since what follows cannot be told apart from noise.
    private static func verifyLog(
        _ packs: any PackEngine, _ report: inout VerifyReport, _ progress: (UInt64, UInt64) -> Void
    ) throws(StorageError) -> Set<UInt64> {
        var damaged = Set<UInt64>()
        for pack in try packs.packs() {
            do throws(StorageError) {
                try verify(pack.number, of: packs, &report, progress)
            } catch {
                guard error.code == .corrupt else { throw error }
                damaged.insert(pack.number)
                report.note(error.description)
            }
        }
        progress(report.records, report.bytes)
        return damaged
    }

    private static func verify(
        _ pack: UInt64, of packs: any PackEngine, _ report: inout VerifyReport, _ progress: (UInt64, UInt64) -> Void
    ) throws(StorageError) {
        try packs.replay(from: LogPosition(pack: pack, offset: 0)) { location, record throws(StorageError) in
            guard location.position.pack == pack else { return false }
            report.records += 1
            report.bytes += location.byteCount
            if record.kind == .chunk || record.kind == .manifest {
                let block = try BlockRecord(fields: record.fields)
                if record.body.withUnsafeBytes({ Digest(of: $0) }) != block.digest {
                    report.note("pack \(pack), byte \(location.position.offset): the bytes of chunk \(block.digest) have another digest")
                }
            }
            if report.records % 10_000 == 0 { progress(report.records, report.bytes) }
            return true
        }
    }
}

/// Looks for everything that versions refer to. Calls block.
struct VersionCheck {
    let metadata: any MetadataEngine
    let blocks: BlockStore
    /// What lies in these is read one by one; the rest was read with the log.
    let damagedPacks: Set<UInt64>
    private(set) var report: VerifyReport

    init(metadata: any MetadataEngine, blocks: BlockStore, damagedPacks: Set<UInt64>, report: VerifyReport) {
        self.metadata = metadata
        self.blocks = blocks
        self.damagedPacks = damagedPacks
        self.report = report
    }

    mutating func run() throws(StorageError) {
        var suspects: [VersionRecord] = []
        var count: UInt64 = 0
        var unlisted: UInt64 = 0
        try metadata.scan(.versions, .all) { _, row throws(StorageError) in
            count += 1
            let record = try LocatedRow.version(Array(row))
            guard problem(of: record) != nil else { return .next }
            if suspects.count < VerifyReport.problemsMaximum { suspects.append(record) } else { unlisted += 1 }
            return .next
        }
        report.versions += count
        report.unlistedProblems += unlisted
        // The scan shows one moment and the check another: a version that was removed between the two is no problem.
        for record in suspects {
            let version = record.version
            let rowKey = IndexKey.version(version.bucket, version.key, version.id)
            guard try metadata.get(.versions, rowKey) != nil, let problem = problem(of: record) else { continue }
            report.note("version \(version.versionText) of \(version.key): \(problem)")
        }
    }

    private func problem(of record: VersionRecord) -> StorageError? {
        do throws(StorageError) {
            try check(record)
            return nil
        } catch {
            return error
        }
    }

    private func check(_ record: VersionRecord) throws(StorageError) {
        let version = record.version
        let referrer = Referrer.version(version.id)
        if damagedPacks.contains(version.location.position.pack) { _ = try blocks.log.packs.read(version.location) }
        switch version.body {
        case .inline:
            _ = try blocks.log.packs.readBody(version.location, from: 0, count: Int(version.size))
        case .chunks(let chunks):
            try check(chunks, of: record.tenant, from: referrer, size: version.size)
        case .manifests(let count):
            var end: UInt64 = 0
            try blocks.log.packs.forEachManifest(at: version.location, count: count) { manifests throws(StorageError) in
                for reference in manifests {
                    let manifest = try blocks.manifest(BlockName(tenant: record.tenant, digest: reference.digest))
                    try checkReference(reference.digest, of: record.tenant, from: referrer)
                    try check(
                        manifest.entries, of: record.tenant, from: .manifest(reference.digest), size: manifest.totalLength)
                    end += manifest.totalLength
                    guard end == reference.end else {
                        throw StorageError(.corrupt, "manifest \(reference.digest) ends at \(end), not \(reference.end)")
                    }
                }
            }
            guard end == version.size else { throw StorageError(.corrupt, "the manifests have \(end) bytes, the version \(version.size)") }
        }
    }

    private func check(
        _ chunks: [ManifestEntry], of tenant: TenantID, from referrer: Referrer, size: UInt64
    ) throws(StorageError) {
        var sum: UInt64 = 0
        for chunk in chunks {
            let location = try blocks.location(BlockName(tenant: tenant, digest: chunk.digest))
            guard Int(location.bodyLength) == chunk.length else {
                throw StorageError(.corrupt, "chunk \(chunk.digest) has \(location.bodyLength) bytes, not \(chunk.length)")
            }
            if damagedPacks.contains(location.position.pack) { _ = try blocks.log.packs.read(location) }
            try checkReference(chunk.digest, of: tenant, from: referrer)
            sum += UInt64(chunk.length)
        }
        guard sum == size else { throw StorageError(.corrupt, "the chunks have \(sum) bytes, not \(size)") }
    }

    private func checkReference(_ digest: Digest, of tenant: TenantID, from referrer: Referrer) throws(StorageError) {
        guard try metadata.get(.references, IndexKey.reference(tenant, digest, from: referrer)) != nil else {
            throw StorageError(.corrupt, "chunk \(digest) has no reference row for it: it could be collected")
        }
    }
}
