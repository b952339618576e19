/// A pack opened for reading.
final class PackFile<File: OpenFile>: PackHandle {
    /// Bytes read at a time when a body is verified.
    private static var verificationStep: Int { 256 << 10 }

    let header: PackHeader
    private let file: File
    private let verified: VerifiedRecords

    /// - Throws: `corrupt` when the header is not that of pack `number`.
    init(_ file: File, number: UInt64, verified: VerifiedRecords) throws(StorageError) {
        header = try PackFile.readHeader(of: file, number: number)
        self.file = file
        self.verified = verified
    }

    static func readHeader(of file: File, number: UInt64) throws(StorageError) -> PackHeader {
        let header = try PackHeader(try file.read(at: 0, count: PackHeader.length), path: file.path)
        guard header.number == number else {
            throw StorageError(.corrupt, "pack says it is number \(header.number)", path: file.path)
        }
        return header
    }

    var fileDescriptor: CInt? { file.fileDescriptor }

    func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws(StorageError) {
        let count = try file.read(at: offset, into: destination)
        guard count == destination.count else {
            throw StorageError(
                .corrupt, "pack ends at \(offset + UInt64(count)), \(destination.count - count) bytes early", path: file.path)
        }
    }

    func isVerified(_ location: RecordLocation) -> Bool { verified.contains(location.position) }

    func verifyOnce(_ location: RecordLocation) throws(StorageError) {
        guard !isVerified(location) else { return }
        let frame = try readFrame(location)
        var checksum: UInt32 = 0
        var offset = location.bodyOffset
        let end = location.end.offset
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(PackFile.verificationStep, Int(location.bodyLength)), alignment: 16)
        defer { buffer.deallocate() }
        while offset < end {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, Int(end - offset))])
            try read(at: offset, into: part)
            checksum = crc32c(UnsafeRawBufferPointer(part), after: checksum)
            offset += UInt64(part.count)
        }
        guard checksum == frame.bodyChecksum else { throw damage(location) }
        verified.insert(location.position)
    }

    /// The whole record by one read; its body shares the buffer that was read.
    func readRecord(_ location: RecordLocation) throws(StorageError) -> LogRecord {
        let bytes = try file.read(at: location.position.offset, count: Int(location.end.offset - location.position.offset))
        let header = try verifyFrame(bytes, location)
        let bodyStart = LogRecord.headerLength + Int(location.fieldsLength)
        guard bytes.count == bodyStart + Int(location.bodyLength), crc32c(bytes[bodyStart...]) == header.bodyChecksum else {
            throw damage(location)
        }
        verified.insert(location.position)
        return LogRecord(
            kind: LogRecord.Kind(rawValue: header.kind), fields: Array(bytes[LogRecord.headerLength..<bodyStart]),
            body: bytes[bodyStart...])
    }

    private func readFrame(_ location: RecordLocation) throws(StorageError) -> RecordHeader {
        let count = LogRecord.headerLength + Int(location.fieldsLength)
        return try verifyFrame(try file.read(at: location.position.offset, count: count), location)
    }

    private func verifyFrame(_ bytes: [UInt8], _ location: RecordLocation) throws(StorageError) -> RecordHeader {
        let header = bytes.withUnsafeBytes { bytes -> RecordHeader? in
            guard let header = RecordHeader(bytes),
                RecordHeader.isSound(
                    bytes, fieldsLength: location.fieldsLength, salt: self.header.salt, offset: location.position.offset)
            else { return nil }
            return header
        }
        guard let header, header.fieldsLength == location.fieldsLength, header.bodyLength == location.bodyLength else {
            throw damage(location)
        }
        return header
    }

    private func damage(_ location: RecordLocation) -> StorageError {
        StorageError(
            .corrupt, "record of pack \(location.position.pack) at offset \(location.position.offset) does not match its checksum",
            path: file.path)
    }
}
