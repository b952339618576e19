/// A type that can be described, written and read in every format.
///
/// The `@Shape` macro writes the conformance; <doc:WritingShaped> shows how it looks by hand. One description and one pair of functions
/// serve all formats, which come in as generic parameters and are specialised where the type lives: no intermediate tree, no boxes.
///
/// `write` and `read` never suspend and may run anywhere.
public protocol Shaped: Sendable {
    /// What the type looks like.
    static var shape: Shape { get }

    /// Writes the value.
    ///
    /// - Throws: ``ShapeError/Code/unrepresentable``, ``ShapeError/Code/limitExceeded`` or ``ShapeError/Code/badReference``; what was
    ///   written so far is of no use then.
    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError)

    /// Reads a value.
    ///
    /// - Throws: where and how the input is wrong; the reader is of no use then.
    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self

    /// What a missing field of this type means; nil, the default, when it may not be missing.
    static var absent: Self? { get }
    /// Whether formats with field names leave the value out: false unless the type says otherwise.
    var isAbsent: Bool { get }
    /// Whether the type writes its own null, so that an option around it must tell the two apart: false unless the type says otherwise.
    static var isNullable: Bool { get }
    /// Whether the type writes nothing but a string, so that it can be the key of a JSON object: false unless the type says otherwise.
    static var isTextual: Bool { get }
}

extension Shaped {
    @inlinable public static var absent: Self? { nil }
    @inlinable public var isAbsent: Bool { false }
    @inlinable public static var isNullable: Bool { false }
    @inlinable public static var isTextual: Bool { false }
}
