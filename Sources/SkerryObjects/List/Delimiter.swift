/// How a delimiter rolls names up.
struct Delimiter {
    let prefix: [UInt8]
    let bytes: [UInt8]

    /// The name up to the first delimiter behind the prefix, that delimiter included; nil when there is none.
    func commonPrefix<Name: RandomAccessCollection<UInt8>>(of name: Name) -> [UInt8]? {
        guard let first = bytes.first else { return nil }
        var start = name.index(name.startIndex, offsetBy: prefix.count)
        while let match = name[start...].firstIndex(of: first) {
            let rest = name[match...]
            if rest.count < bytes.count { return nil }
            if rest.starts(with: bytes) { return Array(name[..<name.index(match, offsetBy: bytes.count)]) }
            start = name.index(after: match)
        }
        return nil
    }
}
