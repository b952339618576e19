/// A self-describing record of the log: small structured `fields`, then an opaque `body`.
///
/// The engine frames it (magic, version, kind, lengths, CRC-32C of header and fields, CRC-32C of the body) and knows nothing of its meaning.
/// The layout is `docs/formats/pack.md`.
public struct LogRecord: Sendable {
    /// Bytes of the frame before the fields; fixed by the format.
    public static let headerLength = 32
    /// Largest body, bytes.
    public static let bodyMaximum = 16 << 20
    /// Largest fields, bytes.
    public static let fieldsMaximum = 16 << 20

    /// What the record is; the engine only carries the number.
    public struct Kind: Sendable, Hashable, RawRepresentable {
        public var rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
    }

    public var kind: Kind
    public var fields: [UInt8]
    public var body: ArraySlice<UInt8>

    public init(kind: Kind, fields: [UInt8], body: ArraySlice<UInt8> = []) {
        self.kind = kind
        self.fields = fields
        self.body = body
    }
}
