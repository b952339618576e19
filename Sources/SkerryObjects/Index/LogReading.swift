import SkerryStorage

extension PackEngine {
    /// `count` bytes of a record's body from `offset` on, without reading the rest of it; the body's checksum is verified once per process.
    func readBody(_ location: RecordLocation, from offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        guard count > 0 else { return [] }
        let handle = try open(pack: location.position.pack)
        try handle.verifyOnce(location)
        return try OpenBlock(handle: handle, location: location).readBody(from: offset, count: count)
    }

    /// The manifests of a body, in slices of at most `limit`, so that a list of any length is held in bounded memory.
    func forEachManifest(
        at location: RecordLocation, count: Int, limit: Int = 4096,
        _ body: (ArraySlice<ManifestReference>) throws(StorageError) -> Void
    ) throws(StorageError) {
        var index = 0
        while index < count {
            let number = min(limit, count - index)
            let bytes = try readBody(
                location, from: index * ManifestReference.byteCount, count: number * ManifestReference.byteCount)
            try body(try ManifestReference.parse(bytes[...])[...])
            index += number
        }
    }
}

extension OpenBlock {
    /// `count` bytes of the body from `offset` on.
    func readBody(from offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        var failure: StorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(StorageError) {
                try handle.read(at: location.bodyOffset + UInt64(offset), into: UnsafeMutableRawBufferPointer(buffer))
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
