/// The tokens of JSON.
extension ByteSource {
    /// Moves over white space.
    @inlinable @inline(__always)
    mutating func skipSpace() {
        if cursor < end, load() > 0x20 { return }
        skipMoreSpace()
    }

    @inline(never) @usableFromInline
    mutating func skipMoreSpace() {
        while cursor < end {
            switch load() {
            case 0x20, 0x0a, 0x0d, 0x09: cursor += 1
            default: return
            }
        }
    }

    /// Moves to the next token and returns its first byte.
    @inlinable @inline(__always)
    mutating func token() throws(ShapeError) -> UInt8 {
        skipSpace()
        guard cursor < end else { throw truncated() }
        return load()
    }

    @usableFromInline
    mutating func literal(_ text: StaticString) throws(ShapeError) {
        for index in 0..<text.utf8CodeUnitCount {
            guard cursor + index < end else { throw truncated() }
            guard load(index) == text.utf8Start[index] else { throw syntax("true, false or null") }
        }
        cursor += text.utf8CodeUnitCount
    }

    /// Before an element or member: a comma unless it is the first, or else the bracket that closes the container.
    @inlinable @inline(__always)
    mutating func separator(isFirst: Bool, close: UInt8) throws(ShapeError) -> Bool {
        let byte = try token()
        if byte == close {
            cursor += 1
            ascend()
            return false
        }
        if isFirst { return true }
        guard byte == UInt8(ascii: ",") else { throw syntax("a comma or a closing bracket") }
        cursor += 1
        guard try token() != close else { throw syntax("a value after the comma") }
        return true
    }

    @inlinable @inline(__always)
    mutating func colon() throws(ShapeError) {
        guard try token() == UInt8(ascii: ":") else { throw syntax("a colon") }
        cursor += 1
    }

    // MARK: Errors

    @inline(never) @usableFromInline
    func syntax(_ expected: String) -> ShapeError {
        ShapeError(.syntax, "expected \(expected), found \(found)", at: offset)
    }

    /// The error for another kind of value than `expected`, or for no value at all.
    @inline(never) @usableFromInline
    func unexpected(_ expected: String) -> ShapeError {
        guard cursor < end else { return truncated() }
        let kind: String? =
            switch load() {
            case UInt8(ascii: "{"): "an object"
            case UInt8(ascii: "["): "a list"
            case UInt8(ascii: "\""): "a string"
            case UInt8(ascii: "n"): "null"
            case UInt8(ascii: "t"), UInt8(ascii: "f"): "a bool"
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): "a number"
            default: nil
            }
        guard let kind else { return syntax(expected) }
        return ShapeError(.typeMismatch, "expected \(expected), found \(kind)", at: offset)
    }

    private var found: String {
        guard cursor < end else { return "the end" }
        let byte = load()
        if byte > 0x20, byte < 0x7f { return "'\(Character(Unicode.Scalar(byte)))'" }
        return "byte \(byte)"
    }
}
