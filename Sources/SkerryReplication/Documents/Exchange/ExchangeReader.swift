internal import SkerryCRDT

/// Reads what ``ExchangeWriter`` wrote. Whatever the bytes are, it gives values or an error; bounds are checked before anything is allocated.
struct ExchangeReader {
    private let bytes: ArraySlice<UInt8>
    private var index: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    var remaining: Int { bytes.endIndex - index }

    mutating func byte() throws(DocumentFeedError) -> UInt8 {
        guard index < bytes.endIndex else { throw malformed("the bytes end too early") }
        defer { index += 1 }
        return bytes[index]
    }

    mutating func integer() throws(DocumentFeedError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw malformed("a number is too large") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 {
                guard next != 0 || shift == 0 else { throw malformed("a number is written longer than it needs") }
                return value
            }
            shift += 7
        }
    }

    mutating func integer(atMost maximum: Int, _ what: StaticString) throws(DocumentFeedError) -> Int {
        let value = try integer()
        guard value <= UInt64(maximum) else { throw DocumentFeedError(.limitExceeded, "\(what) of \(value), where \(maximum) are allowed") }
        return Int(value)
    }

    /// How many things follow, of which each takes at least `size` bytes: no more than can have come.
    mutating func count(atMost maximum: Int, eachAtLeast size: Int, _ what: StaticString) throws(DocumentFeedError) -> Int {
        let value = try integer(atMost: maximum, what)
        guard value <= remaining / size else { throw malformed("the bytes end too early") }
        return value
    }

    mutating func half() throws(DocumentFeedError) -> UInt32 {
        var value: UInt32 = 0
        for shift in 0..<4 { value |= UInt32(try byte()) << UInt32(shift * 8) }
        return value
    }

    mutating func word() throws(DocumentFeedError) -> UInt64 {
        var value: UInt64 = 0
        for shift in 0..<8 { value |= UInt64(try byte()) << UInt64(shift * 8) }
        return value
    }

    mutating func bool() throws(DocumentFeedError) -> Bool {
        switch try byte() {
        case 0: return false
        case 1: return true
        default: throw malformed("neither yes nor no")
        }
    }

    mutating func raw(_ count: Int) throws(DocumentFeedError) -> ArraySlice<UInt8> {
        guard count <= remaining else { throw malformed("the bytes end too early") }
        defer { index += count }
        return bytes[index..<index + count]
    }

    /// A text of UTF-8, empty where that is allowed.
    mutating func name(canBeEmpty: Bool = false) throws(DocumentFeedError) -> String {
        let bytes = try raw(try integer(atMost: DocumentLimits.nameMaximum, "a name"))
        guard !bytes.isEmpty || canBeEmpty, let name = String(validating: bytes, as: UTF8.self) else {
            throw DocumentFeedError(.invalidName, "\(bytes.count) bytes are no name")
        }
        return name
    }

    mutating func version() throws(DocumentFeedError) -> CausalContext {
        let count = try count(atMost: DocumentLimits.versionDots, eachAtLeast: 9, "a version")
        var dots: [Dot] = []
        dots.reserveCapacity(count)
        for _ in 0..<count {
            let dot = Dot(origin: OriginID(rawValue: try word()), sequence: try integer())
            guard dot.sequence > 0, dots.last.map({ $0.origin < dot.origin }) ?? true else {
                throw malformed("the writers of a version do not ascend")
            }
            dots.append(dot)
        }
        return CausalContext(covering: dots)
    }

    mutating func rest() -> ArraySlice<UInt8> {
        defer { index = bytes.endIndex }
        return bytes[index...]
    }

    /// Nothing may follow.
    func end() throws(DocumentFeedError) {
        guard remaining == 0 else { throw malformed("bytes follow the end") }
    }

    func malformed(_ what: String) -> DocumentFeedError {
        DocumentFeedError(.malformed, "\(what), at byte \(index - bytes.startIndex)")
    }
}
