public import SkerryCodec
public import SkerrySession

/// A value on its way: bytes, their format, and the objects that stay where they are and travel as references.
public struct ServicePayload: Sendable {
    public var format: PayloadFormat
    public var bytes: [UInt8]
    /// The references among the value, in the order of their indices in the bytes: a ``Reference`` or a channel end each.
    public var references: [any AnyObject & Sendable]

    @inlinable
    public init(format: PayloadFormat, bytes: [UInt8], references: [any AnyObject & Sendable] = []) {
        self.format = format
        self.bytes = bytes
        self.references = references
    }
}

extension ServicePayload {
    /// Writes `value`.
    ///
    /// - Throws: ``ShapeError`` when a part of the value cannot be written in this format.
    @inlinable
    public init<T: Shaped>(_ value: borrowing T, _ format: PayloadFormat) throws(ShapeError) {
        try self.init(value, format, mayHoldReferences: true)
    }

    /// - Parameter mayHoldReferences: false where the shape of `T` has no place for one.
    @inlinable
    init<T: Shaped>(_ value: borrowing T, _ format: PayloadFormat, mayHoldReferences: Bool) throws(ShapeError) {
        let table = mayHoldReferences ? ReferenceTable() : nil
        var bytes: [UInt8] = []
        let value = copy value
        switch format {
        case .bin: try Bin.encode(value, into: &bytes, references: table)
        case .cbor: try CBOR.encode(value, into: &bytes, references: table)
        case .json: try JSON.encode(value, into: &bytes, references: table)
        case .none: break
        }
        self.init(format: format, bytes: bytes, references: table?.objects ?? [])
    }

    /// Reads a value.
    ///
    /// - Throws: ``ShapeError`` with place and path.
    @inlinable
    public func decode<T: Shaped>(_ type: T.Type) throws(ShapeError) -> T {
        let source: any ReferenceSource = references.isEmpty ? NoReferences.shared : ReferenceTable(references)
        switch format {
        case .bin: return try Bin.decode(type, from: bytes, references: source)
        case .cbor: return try CBOR.decode(type, from: bytes, references: source)
        case .json: return try JSON.decode(type, from: bytes, references: source)
        case .none: throw ShapeError(.typeMismatch, "no value where \(T.shape.name) belongs", at: 0)
        }
    }
}
