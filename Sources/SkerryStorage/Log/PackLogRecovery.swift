/// Finds the packs of a directory and the end of the last one, after a clean close or a crash.
struct PackLogRecovery<Files: FileLayer> {
    let files: Files
    let directory: String

    /// The packs, oldest first, all sealed and cut at their ends.
    func run(applied: LogPosition) throws(StorageError) -> [PackSummary] {
        let names = try files.list(directory)
        for name in names where PackName.isTemporary(name) { try files.remove(directory + "/" + name) }
        var packs: [PackSummary] = []
        var newest: Newest?
        for number in names.compactMap(PackName.number(of:)).sorted() {
            let opened = try open(number)
            if let newest, opened.header.previous.pack == newest.number { try verifyEnd(of: newest, opened.header.previous.offset) }
            if let newest { packs.append(PackSummary(number: newest.number, length: newest.length, isSealed: true)) }
            newest = opened
        }
        if let newest {
            packs.append(PackSummary(number: newest.number, length: try mendTail(of: newest, applied), isSealed: true))
        }
        try verifyReach(packs, applied)
        return packs
    }

    /// A pack of which later ones may yet tell the end.
    private struct Newest {
        var number: UInt64
        var header: PackHeader
        /// Bytes of the file.
        var length: UInt64
    }

    private func open(_ number: UInt64) throws(StorageError) -> Newest {
        let file = try files.open(PackName.path(of: number, in: directory), .read)
        return Newest(number: number, header: try PackFile.readHeader(of: file, number: number), length: try file.size())
    }

    /// A pack with a successor was cut and synced before that one began: its file ends where the successor says.
    private func verifyEnd(of pack: Newest, _ end: UInt64) throws(StorageError) {
        guard pack.length == end else {
            throw corrupt(pack.number, min(pack.length, end), "ends at \(pack.length) where its successor says \(end)")
        }
    }

    private func verifyReach(_ packs: [PackSummary], _ applied: LogPosition) throws(StorageError) {
        let end = packs.last.map { LogPosition(pack: $0.number, offset: $0.length) } ?? .start
        guard end >= applied else {
            throw corrupt(end.pack, end.offset, "the log ends before pack \(applied.pack) offset \(applied.offset), which was on disk")
        }
    }

    /// Finds the last whole record of the newest pack and cuts off what a crash left behind it.
    private func mendTail(of pack: Newest, _ applied: LogPosition) throws(StorageError) -> UInt64 {
        let file = try files.open(PackName.path(of: pack.number, in: directory), .write)
        return try withResource(file, close: { file throws(StorageError) in try file.close() }) { file throws(StorageError) in
            let knownEnd = applied.pack == pack.number && applied.offset <= pack.length ? applied.offset : 0
            let end = try findEnd(of: pack, file, from: knownEnd)
            guard end < pack.length else { return end }
            try file.truncate(to: end)
            try file.syncAll()
            return end
        }
    }

    private func findEnd(of pack: Newest, _ file: Files.File, from start: UInt64) throws(StorageError) -> UInt64 {
        var reader = PackReader(file: file, header: pack.header, from: start, limit: pack.length)
        while case .record = try reader.next() {}
        let end = reader.offset
        // The records right behind may have been written before the damaged bytes were synced; a later one knows better.
        while let later = try reader.findSoundHeader() {
            guard UInt64(later.syncedOffset) <= end else {
                throw corrupt(pack.number, end, "a later record says that it was synced to \(later.syncedOffset)")
            }
        }
        return end
    }

    private func corrupt(_ pack: UInt64, _ offset: UInt64, _ why: String) -> StorageError {
        StorageError(
            .corrupt, "pack \(pack) is damaged at offset \(offset): \(why)", path: PackName.path(of: pack, in: directory))
    }
}
