/// The part of an object a request asks for.
enum ByteRange: Sendable, Hashable {
    /// From `first` to `last`, both included.
    case closed(first: UInt64, last: UInt64)
    /// From `first` to the end.
    case from(UInt64)
    /// The last bytes.
    case suffix(UInt64)

    /// Reads a `Range` header; nil when it is not one range of bytes. S3 then sends the whole object, as RFC 9110 lets it.
    init?(header text: String) {
        guard let set = ByteRange.afterUnit(text), !set.contains(","), let dash = set.firstIndex(of: "-") else { return nil }
        let first = set[..<dash].trimmingSpaces
        let last = set[set.index(after: dash)...].trimmingSpaces
        guard first.allSatisfy(\.isASCIIDigit), last.allSatisfy(\.isASCIIDigit), !(first.isEmpty && last.isEmpty) else { return nil }
        // A number too long for 64 bits lies beyond any object.
        let from = UInt64(first) ?? .max
        let to = UInt64(last) ?? .max
        if first.isEmpty {
            self = .suffix(to)
        } else if last.isEmpty {
            self = .from(from)
        } else {
            guard from <= to else { return nil }
            self = .closed(first: from, last: to)
        }
    }

    private static func afterUnit(_ text: String) -> Substring? {
        guard let equals = text.firstIndex(of: "="), text[..<equals].trimmingSpaces.lowercased() == "bytes" else { return nil }
        return text[text.index(after: equals)...]
    }

    /// The bytes of an object of `size` bytes, nil when there are none: `416`. A range that ends beyond the object ends with it.
    func resolved(size: UInt64) -> Range<UInt64>? {
        switch self {
        case .closed(let first, let last): first < size ? first..<(min(last, size - 1) + 1) : nil
        case .from(let first): first < size ? first..<size : nil
        case .suffix(let count): count > 0 && size > 0 ? (size - min(count, size))..<size : nil
        }
    }

    /// Reads `x-amz-copy-source-range`, which must be `bytes=first-last` and within the source.
    static func copySource(_ text: String, size: UInt64) throws(S3Error) -> Range<UInt64> {
        guard text.hasPrefix("bytes="), case .closed(let first, let last)? = ByteRange(header: text) else {
            throw .invalidArgument(
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
                name: "x-amz-copy-source-range", value: text)
        }
        guard last < size else {
            throw S3Error(.invalidRange, "Range specified is not valid for source object of size: \(size)").with("RangeRequested", text)
        }
        return first..<last + 1
    }
}

extension Character {
    /// `Character.isNumber` takes digits of other scripts too.
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
