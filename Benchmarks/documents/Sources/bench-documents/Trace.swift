import Glibc

/// An editing trace in the flat form that `bench.py` makes of the JSON.
///
/// ```
/// trace = writers:u32 has-values:u32 transactions:u32 transaction* final:string
/// transaction = writer:u32 parents:u32 parent:u32* steps:u32 step*
/// step = kind:u32 first:u32 second:u32 key:string value:string       positions and counts in code points
/// string = length:u32 bytes
/// ```
struct Trace {
    enum Kind: UInt32 {
        /// `second` code points at `first` are replaced by `value`.
        case text
        case set, setNumber, remove, nest, add
        case push, insert, delete, move, replace
    }

    struct Step {
        var kind: Kind
        var first: Int
        var second: Int
        var key: String
        var value: String
    }

    struct Transaction {
        var writer: Int
        var parents: [Int]
        var steps: [Step]
    }

    var writers: Int
    var hasValues: Bool
    var transactions: [Transaction]
    var final: String

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
        hasValues = number() == 1
        let count = number()
        transactions = []
        for _ in 0..<count {
            let writer = number()
            let parents = (0..<number()).map { _ in number() }
            let steps = (0..<number()).map { _ in
                Step(kind: Kind(rawValue: UInt32(number()))!, first: number(), second: number(), key: text(), value: text())
            }
            transactions.append(Transaction(writer: writer, parents: parents, steps: steps))
        }
        final = text()
    }
}
