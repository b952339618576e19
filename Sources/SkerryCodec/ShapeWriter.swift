/// One format, writing: receives the parts of a value in order and makes bytes of them.
///
/// A new format is a type with these functions and a ``ShapeReader``. Implementations are structs with `@inlinable` members, so that the
/// compiler specialises each type's `write` for them. Values call the functions of the extension (`field`, `element`, `variant`),
/// which pair the calls below and add the path to errors.
public protocol ShapeWriter: ~Copyable {
    /// Whether values are told apart by place alone: no field names, absent fields are written, a ``Value`` needs marks of its own.
    static var isPositional: Bool { get }
    /// Whether a ``Value`` carries marks of its own because the bytes do not say what they are: where ``isPositional``, unless said otherwise.
    static var marksValues: Bool { get }
    /// Whether a ``Value`` marks bytes and references by map keys with a dollar sign, as JSON does; false unless the format says otherwise.
    static var escapesValues: Bool { get }
    /// Where references go; nil when the bytes travel alone.
    var references: (any ReferenceSink)? { get }

    mutating func write(_ value: Bool) throws(ShapeError)
    mutating func write<I: FixedWidthInteger>(integer value: I) throws(ShapeError)
    mutating func write(_ value: Float) throws(ShapeError)
    mutating func write(_ value: Double) throws(ShapeError)
    mutating func write(_ value: String) throws(ShapeError)
    mutating func write(bytes: UnsafeRawBufferPointer) throws(ShapeError)
    /// Bytes of a ``Value``, which must tell themselves from text. The same as `write(bytes:)` unless the format says otherwise.
    mutating func write(dynamicBytes: [UInt8]) throws(ShapeError)
    /// The entry of an object in the reference table.
    mutating func write(referenceIndex: UInt32) throws(ShapeError)

    /// No value.
    mutating func writeNil() throws(ShapeError)
    /// A value in an option, which follows. `isNested` when the value might itself be written as nil.
    mutating func beginSome(isNested: Bool) throws(ShapeError)
    mutating func endSome(isNested: Bool) throws(ShapeError)

    /// A list of exactly `count` elements.
    mutating func beginList(count: Int) throws(ShapeError) -> SequenceFrame
    mutating func beginElement(_ frame: inout SequenceFrame) throws(ShapeError)
    mutating func endElement(_ frame: inout SequenceFrame) throws(ShapeError)
    mutating func endList(_ frame: inout SequenceFrame) throws(ShapeError)

    /// A map of exactly `count` entries: key, then value. `isTextual` when each key is written as a string.
    mutating func beginMap(count: Int, isTextual: Bool) throws(ShapeError) -> SequenceFrame
    mutating func beginKey(_ frame: inout SequenceFrame) throws(ShapeError)
    mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError)
    mutating func endEntry(_ frame: inout SequenceFrame) throws(ShapeError)
    mutating func endMap(_ frame: inout SequenceFrame) throws(ShapeError)

    /// A record, whose fields follow in ascending order; absent ones are left out unless ``isPositional``.
    mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame
    mutating func beginField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError)
    mutating func endField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError)
    mutating func endRecord(_ frame: inout RecordFrame) throws(ShapeError)

    /// A case; its payload follows exactly when `cases.hasPayload(index)`.
    mutating func beginVariant(_ index: Int, of cases: Cases) throws(ShapeError) -> VariantFrame
    mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError)
}

extension ShapeWriter where Self: ~Copyable {
    @inlinable public static var escapesValues: Bool { false }

    @inlinable
    public mutating func write(dynamicBytes: [UInt8]) throws(ShapeError) { try dynamicBytes.write(to: &self) }
}

// MARK: - What values call

extension ShapeWriter where Self: ~Copyable {
    @inlinable public static var marksValues: Bool { isPositional }

    /// Writes the field at `index` of an open record, unless it is absent and the format has names.
    @inlinable @inline(__always)
    public mutating func field<T: Shaped>(_ value: T, _ index: Int, in record: inout RecordFrame) throws(ShapeError) {
        if !Self.isPositional && value.isAbsent { return }
        do throws(ShapeError) {
            try beginField(index, &record)
            try value.write(to: &self)
            try endField(index, &record)
        } catch {
            throw record.passing(error, index)
        }
    }

    /// Writes the next element of an open list.
    @inlinable @inline(__always)
    public mutating func element<T: Shaped>(_ value: T, in list: inout SequenceFrame) throws(ShapeError) {
        do throws(ShapeError) {
            try beginElement(&list)
            try value.write(to: &self)
            try endElement(&list)
        } catch {
            throw list.passing(error)
        }
    }

    /// Writes the next entry of an open map.
    @inlinable @inline(__always)
    public mutating func entry<K: Shaped, V: Shaped>(
        _ key: K, _ value: V, in map: inout SequenceFrame
    ) throws(ShapeError) {
        do throws(ShapeError) {
            try beginKey(&map)
            try key.write(to: &self)
            try beginValue(&map)
            try value.write(to: &self)
            try endEntry(&map)
        } catch {
            throw error.inside(.key("\(key)"))
        }
    }

    /// Writes a case that carries nothing.
    @inlinable @inline(__always)
    public mutating func variant(_ index: Int, of cases: Cases) throws(ShapeError) {
        var variant = try beginVariant(index, of: cases)
        try endVariant(&variant)
    }

    /// Writes a case that carries one value.
    @inlinable @inline(__always)
    public mutating func variant<T: Shaped>(_ index: Int, of cases: Cases, _ payload: T) throws(ShapeError) {
        var variant = try beginVariant(index, of: cases)
        do throws(ShapeError) {
            try payload.write(to: &self)
        } catch {
            throw variant.passing(error)
        }
        try endVariant(&variant)
    }

    /// Writes a reference: `object` enters the table of the frame, its index the bytes.
    ///
    /// - Throws: ``ShapeError/Code/badReference`` when the bytes travel alone, or the session refuses.
    public mutating func write(reference object: any AnyObject & Sendable, shape: Shape.Reference) throws(ShapeError) {
        guard let references else {
            throw ShapeError(.badReference, "\(shape.name) is a reference and crosses only inside a session")
        }
        try write(referenceIndex: references.add(object, shape: shape))
    }
}
