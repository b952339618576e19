import SkerryStorage

/// Reads the records of a single file one by one, and finds its end.
///
/// Damage is told from the end by what stands behind it: a sound record that says it was written when the bad bytes had been synced already
/// makes them damage, which is quarantined and gone around. Anything else behind them is what a crash left of writes that nobody was
/// promised.
struct FileScanner<File: OpenFile> {
    /// Bytes read at a time when looking for a record.
    private static var windowLength: Int { 256 << 10 }

    let file: File
    let salt: UInt64
    let size: UInt64

    struct Record {
        var frame: FileFormat.Frame
        var fields: [UInt8]
        var offset: UInt64

        var bodyOffset: UInt64 { offset + UInt64(FileFormat.frameLength + frame.fieldsLength) }
        var end: UInt64 { offset + UInt64(frame.recordLength) }
    }

    /// The record at an offset; nil when there is no sound one.
    ///
    /// - Parameter verifiesBody: whether the body's bytes are read and checked too.
    func record(at offset: UInt64, verifiesBody: Bool = true) throws(StorageError) -> Record? {
        guard offset + UInt64(FileFormat.frameLength) <= size else { return nil }
        let head = try file.read(at: offset, count: FileFormat.frameLength)
        guard head.count == FileFormat.frameLength, let frame = FileFormat.Frame(head[...]),
            UInt64(frame.recordLength) <= size - offset
        else { return nil }
        let fields = try file.read(at: offset + UInt64(FileFormat.frameLength), count: frame.fieldsLength)
        guard fields.count == frame.fieldsLength,
            head.get(UInt32.self, at: 28)
                == fields.checksum(fields.indices, after: head.checksum(0..<28, salt: salt, offset: offset))
        else { return nil }
        guard head[4] == FileFormat.version else {
            throw StorageError(.newerFormat, "a record of version \(head[4]) at \(offset)", path: file.path)
        }
        let record = Record(frame: frame, fields: fields, offset: offset)
        if verifiesBody, frame.bodyLength > 0 {
            let body = try file.read(at: record.bodyOffset, count: frame.bodyLength)
            guard body.count == frame.bodyLength, body.checksum(body.indices) == frame.bodyChecksum else { return nil }
        }
        return record
    }

    /// Calls the body with every sound record from an offset on.
    ///
    /// - Returns: where the file ends, and the stretches before that which hold nothing sound.
    func scan(
        from start: UInt64, _ body: (Record) throws(StorageError) -> Void
    ) throws(StorageError) -> (end: UInt64, quarantine: [Range<UInt64>]) {
        var offset = start
        var quarantine: [Range<UInt64>] = []
        while true {
            if let record = try record(at: offset) {
                try body(record)
                offset = record.end
                continue
            }
            guard let next = try nextRecord(behind: offset, provingSyncOf: offset) else { return (offset, quarantine) }
            quarantine.append(offset..<next)
            offset = next
        }
    }

    /// Where the next sound record begins, when some record behind proves that what lies before had been on disk.
    private func nextRecord(behind offset: UInt64, provingSyncOf bad: UInt64) throws(StorageError) -> UInt64? {
        var first: UInt64?
        var position = offset + 1
        while position + UInt64(FileFormat.frameLength) <= size {
            let window = try file.read(at: position, count: FileScanner.windowLength)
            var index = 0
            while let found = window.firstIndexOfRecord(from: index) {
                if let record = try record(at: position + UInt64(found)) {
                    first = first ?? record.offset
                    if record.frame.synced > bad { return first }
                }
                index = found + 1
            }
            if window.count < FileScanner.windowLength { return nil }
            // A frame may lie across the edge of the window.
            position += UInt64(window.count - 3)
        }
        return nil
    }
}

extension [UInt8] {
    /// The next place where a record's magic stands.
    fileprivate func firstIndexOfRecord(from start: Int) -> Int? {
        withUnsafeBytes { bytes in
            var index = start
            while index + 4 <= bytes.count {
                if bytes[index] == UInt8(ascii: "S"),
                    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)) == FileFormat.recordMagic
                {
                    return index
                }
                index += 1
            }
            return nil
        }
    }
}
