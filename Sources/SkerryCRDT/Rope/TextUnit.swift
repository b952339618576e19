/// What the positions of a text count in.
public enum TextUnit: Sendable, Hashable, CaseIterable {
    /// Bytes of UTF-8, as `String.utf8` counts.
    case utf8
    /// Unicode scalars (code points), as `String.unicodeScalars` counts.
    case scalars
    /// UTF-16 code units, as browsers, `NSString` and most editors count.
    case utf16
}

extension TextUnit {
    /// The index of this unit in the vector of ``TextMeasure``.
    @inline(__always)
    var lane: Int {
        switch self {
        case .utf8: 0
        case .scalars: 1
        case .utf16: 2
        }
    }
}
