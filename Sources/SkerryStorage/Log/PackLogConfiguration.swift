/// Sizes and bounds of a ``PackLog``.
public struct PackLogConfiguration: Sendable {
    /// Bytes reserved for a new pack; one append larger than this gets a pack of its own size. At most 4 GiB, the reach of an offset.
    public var packCapacity: UInt64 = 256 << 20
    /// Packs kept open for reading, one descriptor each; more are opened anew when they are read.
    public var openPacksMaximum = 256
    /// Records whose verification is remembered, 8 bytes each (256 Ki: 2 MiB, or 16 GiB of records of 64 KiB).
    public var verifiedRecordsMaximum = 256 << 10
    /// Gives each new pack its salt; a test gives the same row each time.
    public var salt: @Sendable () -> UInt64 = {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    /// On a disk without room for a whole pack, one smaller by this factor is tried.
    static let smallPackDivisor: UInt64 = 16

    public init() {}
}

/// The file names of packs.
enum PackName {
    private static let suffix = ".pack"
    private static let temporarySuffix = ".pack.new"
    private static let digits = 16

    static func path(of number: UInt64, in directory: String) -> String { directory + "/" + digits(of: number) + suffix }

    static func temporaryPath(of number: UInt64, in directory: String) -> String {
        directory + "/" + digits(of: number) + temporarySuffix
    }

    /// The pack's number; nil when the file is no pack.
    static func number(of name: String) -> UInt64? {
        guard name.hasSuffix(suffix), name.utf8.count == digits + suffix.utf8.count else { return nil }
        return UInt64(name.dropLast(suffix.utf8.count))
    }

    static func isTemporary(_ name: String) -> Bool { name.hasSuffix(temporarySuffix) }

    /// Decimal, so that names sort as numbers do.
    private static func digits(of number: UInt64) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
