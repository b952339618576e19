/// How a type that knows nothing of shapes travels: as a carrier that does.
///
/// `decode` inverts `encode`. A field says `@Via(ISO8601.self)`, and code by hand wraps the value in ``Via``.
public protocol Isomorphism: Sendable {
    /// The type that knows nothing of shapes.
    associatedtype Foreign: Sendable
    /// What travels.
    associatedtype Carrier: Shaped

    /// The name the type has in schemas and in the digest.
    static var name: String { get }
    /// - Throws: ``ShapeError/Code/unrepresentable`` for values without a carrier.
    static func encode(_ value: Foreign) throws(ShapeError) -> Carrier
    /// - Throws: ``ShapeError/Code/invalidValue`` for carriers that stand for nothing.
    static func decode(_ carrier: Carrier) throws(ShapeError) -> Foreign
}

/// A value that travels by an ``Isomorphism``.
@frozen
public struct Via<I: Isomorphism>: Shaped {
    public var value: I.Foreign

    @inlinable
    public init(_ value: I.Foreign) {
        self.value = value
    }

    public static var shape: Shape { .alias(Shape.Alias(name: I.name, carrier: I.Carrier.shape)) }
    @inlinable public static var isNullable: Bool { I.Carrier.isNullable }
    @inlinable public static var isTextual: Bool { I.Carrier.isTextual }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        try I.encode(value).write(to: &writer)
    }

    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Via<I> {
        let start = reader.offset
        let carrier = try I.Carrier.read(from: &reader)
        do throws(ShapeError) {
            return Via(try I.decode(carrier))
        } catch {
            throw error.at(start)
        }
    }
}

extension Via: Equatable where I.Foreign: Equatable {}
extension Via: Hashable where I.Foreign: Hashable {}
