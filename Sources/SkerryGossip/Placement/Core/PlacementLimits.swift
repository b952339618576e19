/// The bounds of placement. All members must have the same.
public enum PlacementLimits {
    /// Bytes of a key, which is not empty: 1 KiB.
    public static let keyBytesMaximum = 1_024
    /// Bytes of a value: 256 KiB. It may be empty.
    public static let valueBytesMaximum = 262_144
    /// Siblings of a key that a coordinator lets come up: a write that would make one more is refused until somebody writes their merge.
    public static let siblingsMaximum = 64
    /// Bytes of all siblings of a key together, as ``siblingsMaximum``.
    public static let copyBytesMaximum = 1 << 20
    /// Origins in a context: every member that ever coordinated a write of the key, once for each store it had.
    public static let originsMaximum = 4_096
    /// Versions in a copy that is read: coordinators that do not know of each other make more than ``siblingsMaximum`` together.
    public static let versionsMaximum = 65_536
    /// Bytes of a copy that a member lets come up when it joins two (``Siblings/byteCount``): it always fits in a message.
    public static let joinBytesMaximum = 32 << 20
    /// Sequences stay below this, so that there is always a next one.
    public static let sequenceLimit: UInt64 = 1 << 62
    /// Bytes of a message between members. The largest copy fits.
    public static let messageBytesMaximum = 64 << 20
}
