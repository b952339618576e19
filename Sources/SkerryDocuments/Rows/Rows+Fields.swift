import SkerryCRDT
import SkerryStorage

extension FieldWriter {
    /// ```
    /// version = count:integer (writer:integer sequence:integer)*       ascending by origin
    /// ```
    mutating func write(_ version: CausalContext, _ writers: inout WriterTable) {
        write(version.dots.count)
        for dot in version.dots {
            write(writers.number(of: dot.origin))
            write(dot.sequence)
        }
    }
}

extension FieldReader {
    mutating func readWriter(_ writers: WriterTable) throws(StorageError) -> OriginID {
        let number = try readInteger()
        guard let origin = writers.origin(number) else { throw StorageError(.corrupt, "writer \(number) is not known") }
        return origin
    }

    mutating func readVersion(_ writers: WriterTable) throws(StorageError) -> CausalContext {
        var version = CausalContext()
        for _ in 0..<(try readCount(maximum: remaining / 2)) {
            let origin = try readWriter(writers)
            version.insert(Dot(origin: origin, sequence: try readInteger()))
        }
        return version
    }

    mutating func readStamp() throws(StorageError) -> HybridTimestamp { HybridTimestamp(rawValue: try readFixed()) }

    /// A length in memory.
    mutating func readLength() throws(StorageError) -> Int { try readCount(maximum: 1 << 48) }
}
