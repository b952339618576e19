/// One format, reading: hands out the parts of a value in the order in which they stand in the input.
///
/// The reader drives: a record asks for the next field until there is none, and takes the fields as they come. Positional formats answer
/// 0, 1, 2…; formats with names match them, and skip or refuse the unknown ones.
///
/// A reader checks its ``DecodingLimits`` before it allocates, and no input makes it trap.
public protocol ShapeReader: ~Copyable {
    /// Whether values are told apart by place alone; see ``ShapeWriter/isPositional``.
    static var isPositional: Bool { get }
    /// Whether a ``Value`` carries marks of its own; see ``ShapeWriter/marksValues``.
    static var marksValues: Bool { get }
    /// Whether a ``Value`` marks bytes and references by map keys with a dollar sign; see ``ShapeWriter/escapesValues``.
    static var escapesValues: Bool { get }
    /// Where references come from; nil when the bytes travelled alone.
    var references: (any ReferenceSource)? { get }
    /// Bytes read so far.
    var offset: Int { get }

    mutating func readBool() throws(ShapeError) -> Bool
    mutating func readInteger<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I
    mutating func readFloat() throws(ShapeError) -> Float
    mutating func readDouble() throws(ShapeError) -> Double
    mutating func readString() throws(ShapeError) -> String
    mutating func readBytes() throws(ShapeError) -> [UInt8]
    mutating func readReferenceIndex() throws(ShapeError) -> UInt32

    /// Reads whether an option holds a value, which then follows. `isNested` when the value might itself be written as nil.
    mutating func beginOption(isNested: Bool) throws(ShapeError) -> Bool
    /// After the value of an option that holds one.
    mutating func endOption(isNested: Bool) throws(ShapeError)

    mutating func beginList() throws(ShapeError) -> SequenceFrame
    /// Whether an element follows. When none does, the list is closed.
    mutating func nextElement(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool

    mutating func beginMap(isTextual: Bool) throws(ShapeError) -> SequenceFrame
    /// Whether a key follows. When none does, the map is closed.
    mutating func nextKey(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool
    /// Between key and value.
    mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError)

    mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame
    /// The field whose value follows. When none does, the record is closed.
    mutating func nextField(_ frame: inout RecordFrame) throws(ShapeError) -> Int?

    /// The case; its payload follows exactly when it has one.
    mutating func beginVariant(_ cases: Cases) throws(ShapeError) -> VariantFrame
    mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError)

    /// What kind of value follows, without reading it. Asked only of formats that are not positional.
    mutating func peekKind() throws(ShapeError) -> Value.Kind
}

extension ShapeReader where Self: ~Copyable {
    @inlinable public static var escapesValues: Bool { false }
}

// MARK: - What values call

extension ShapeReader where Self: ~Copyable {
    @inlinable public static var marksValues: Bool { isPositional }

    /// Reads the field just announced by ``nextField(_:)``.
    @inlinable @inline(__always)
    public mutating func field<T: Shaped>(_ slot: inout T?, in record: borrowing RecordFrame) throws(ShapeError) {
        do throws(ShapeError) {
            slot = try T.read(from: &self)
        } catch {
            throw record.passing(error, record.index)
        }
    }

    /// Reads the element just announced by ``nextElement(_:)``.
    @inlinable @inline(__always)
    public mutating func element<T: Shaped>(_ type: T.Type, in list: borrowing SequenceFrame) throws(ShapeError) -> T {
        do throws(ShapeError) {
            return try T.read(from: &self)
        } catch {
            throw list.passing(error)
        }
    }

    /// Reads the one value that a case carries.
    @inlinable @inline(__always)
    public mutating func payload<T: Shaped>(_ type: T.Type, in variant: borrowing VariantFrame) throws(ShapeError) -> T {
        do throws(ShapeError) {
            return try T.read(from: &self)
        } catch {
            throw variant.passing(error)
        }
    }

    /// Reads a reference: the index from the bytes, the object from the table of the frame.
    ///
    /// - Throws: ``ShapeError/Code/badReference`` when the bytes travelled alone, or the session has no such entry.
    public mutating func readReference(_ shape: Shape.Reference) throws(ShapeError) -> any AnyObject & Sendable {
        let start = offset
        let index = try readReferenceIndex()
        guard let references else {
            throw ShapeError(.badReference, "\(shape.name) is a reference and crosses only inside a session", at: start)
        }
        do throws(ShapeError) {
            return try references.take(index, shape: shape)
        } catch {
            throw error.at(start)
        }
    }
}
