/// Reads the parts of a state from untrusted bytes; every step is checked, and nothing is allocated for what the bytes only promise.
///
/// Lives only within ``StateCodable/init(decoding:)``, which owns the bytes.
public struct StateReader {
    /// A state's body is refused above this, bytes.
    public static let bytesMaximum = 64 << 20
    /// Entries, members, dots and values of one state, those of nested ones included.
    public static let elementsMaximum = 1 << 22

    var bytes: ByteReader
    private var elementsLeft = StateReader.elementsMaximum

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = ByteReader(bytes) }

    public mutating func byte() throws(DocumentError) -> UInt8 { try bytes.byte() }

    /// A LEB128 number in its shortest form.
    public mutating func uint64() throws(DocumentError) -> UInt64 { try bytes.varint() }

    /// A LEB128 number below a bound.
    public mutating func uint64(below bound: UInt64) throws(DocumentError) -> UInt64 {
        let value = try bytes.varint()
        guard value < bound else { throw damaged("a number is out of range") }
        return value
    }

    public mutating func fixed64() throws(DocumentError) -> UInt64 { try bytes.fixed64() }

    public mutating func string() throws(DocumentError) -> String { try bytes.string(atMost: DocumentValue.lengthMaximum) }

    /// How many elements follow, each of at least so many bytes: no more than the bytes left can hold, nor than the budget allows.
    public mutating func count(ofAtLeast size: Int) throws(DocumentError) -> Int {
        let value = try bytes.varint()
        guard value <= UInt64(bytes.remaining / size) else { throw damaged("more elements than there are bytes for") }
        guard value <= UInt64(elementsLeft) else {
            throw DocumentError(
                code: .limitExceeded, message: "a state of more than \(StateReader.elementsMaximum) elements", offset: bytes.offset)
        }
        elementsLeft -= Int(value)
        return Int(value)
    }

    /// An error that says where the bytes are wrong.
    public func damaged(_ what: String) -> DocumentError { bytes.damaged(what) }
}
