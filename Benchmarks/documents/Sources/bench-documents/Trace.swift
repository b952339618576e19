import Glibc

/// An editing trace in the flat form that `bench.py` makes of the published JSON.
///
/// ```
/// trace = writers:u32 transactions:u32 transaction* length:u32 final-text
/// transaction = writer:u32 parents:u32 parent:u32* patches:u32 patch*
/// patch = position:u32 deleted:u32 length:u32 text          positions and counts in code points, lengths in bytes
/// ```
struct Trace {
    struct Patch {
        var position: Int
        var deleted: Int
        var inserted: String
    }

    struct Transaction {
        var writer: Int
        var parents: [Int]
        var patches: [Patch]
    }

    var writers: Int
    var transactions: [Transaction]
    var final: String

    var patchCount: Int { transactions.reduce(0) { $0 + $1.patches.count } }

    init(file: String) {
        guard let handle = fopen(file, "rb") else { fatalError("no trace at \(file)") }
        defer { fclose(handle) }
        fseek(handle, 0, SEEK_END)
        let size = ftell(handle)
        rewind(handle)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in count = fread(buffer.baseAddress!, 1, size, handle) }
        var offset = 0
        func number() -> Int {
            defer { offset += 4 }
            return bytes.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        }
        func text() -> String {
            let count = number()
            defer { offset += count }
            return String(decoding: bytes[offset..<offset + count], as: UTF8.self)
        }
        writers = number()
        let count = number()
        transactions = []
        for _ in 0..<count {
            let writer = number()
            let parents = (0..<number()).map { _ in number() }
            let patches = (0..<number()).map { _ in Patch(position: number(), deleted: number(), inserted: text()) }
            transactions.append(Transaction(writer: writer, parents: parents, patches: patches))
        }
        final = text()
    }
}
