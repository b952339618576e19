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
    /// - Parameter progress: Called now and then with the records and bytes read so far.
    public func verify(progress: @escaping @Sendable (_ records: UInt64, _ bytes: UInt64) -> Void) async throws(ObjectError) -> VerifyReport
    {
        let (metadata, packs, blocks) = (metadata, packs, blocks)
        let ticket = epochs.enter()
        return try await onDisk { () throws(StorageError) in
            defer { withExtendedLifetime(ticket) {} }
            var report = VerifyReport()
            do throws(StorageError) {
                try ObjectStore.verifyLog(packs, &report, progress)
            } catch {
                // Damage ends the walk: what follows cannot be told apart from noise. The versions are checked all the same.
                guard error.code == .corrupt else { throw error }
                report.note(error.description)
            }
            var check = VersionCheck(metadata: metadata, blocks: blocks, report: report)
            try check.run()
            return check.report
        }
    }

    private static func verifyLog(
        _ packs: any PackEngine, _ report: inout VerifyReport, _ progress: (UInt64, UInt64) -> Void
    ) throws(StorageError) {
        try packs.replay(from: .start) { location, record throws(StorageError) in
            report.records += 1
            report.bytes += UInt64(LogRecord.headerLength + record.fields.count + record.body.count)
            if record.kind == .chunk || record.kind == .manifest {
                let block = try BlockRecord(fields: record.fields)
                if record.body.withUnsafeBytes({ Digest(of: $0) }) != block.digest {
                    report.note(
                        "pack \(location.position.pack), byte \(location.position.offset): the bytes of chunk \(block.digest) have another digest"
                    )
                }
            }
            if report.records % 10_000 == 0 { progress(report.records, report.bytes) }
            return true
        }
        progress(report.records, report.bytes)
    }
}

/// Looks for everything that versions refer to. Calls block.
struct VersionCheck {
    let metadata: any MetadataEngine
    let blocks: BlockStore
    private(set) var report: VerifyReport

    init(metadata: any MetadataEngine, blocks: BlockStore, report: VerifyReport) {
        self.metadata = metadata
        self.blocks = blocks
        self.report = report
    }

    mutating func run() throws(StorageError) {
        var problems: [String] = []
        var count: UInt64 = 0
        try metadata.scan(.versions, .all) { _, row throws(StorageError) in
            count += 1
            let record = try LocatedRow.version(Array(row))
            do throws(StorageError) {
                try check(record)
            } catch {
                problems.append("version \(record.version.versionText) of \(record.version.key): \(error)")
            }
            return .next
        }
        report.versions += count
        for problem in problems { report.note(problem) }
    }

    private func check(_ record: VersionRecord) throws(StorageError) {
        let version = record.version
        let referrer = Referrer.version(version.id)
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
