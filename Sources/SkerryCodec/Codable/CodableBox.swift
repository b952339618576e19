/// A foreign type that knows `Codable` and no shapes, as part of a shaped one.
///
/// It travels as a ``Value``, in every format; schemas can only say "any value". Costs what `Codable` costs.
@frozen
public struct CodableBox<Wrapped: Codable & Sendable>: Shaped {
    public var value: Wrapped

    @inlinable
    public init(_ value: Wrapped) {
        self.value = value
    }

    public static var shape: Shape { .value }
    public static var isNullable: Bool { true }

    /// - Throws: ``ShapeError/Code/unrepresentable`` when the type's own `encode(to:)` fails.
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        try Value(encodable: value).write(to: &writer)
    }

    /// - Throws: ``ShapeError/Code/invalidValue`` when the type's own `init(from:)` fails, with its path.
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> CodableBox {
        let start = reader.offset
        let value = try Value.read(from: &reader)
        do throws(ShapeError) {
            return CodableBox(try value.decoded(as: Wrapped.self))
        } catch {
            throw error.at(start)
        }
    }
}

extension CodableBox: Equatable where Wrapped: Equatable {}
extension CodableBox: Hashable where Wrapped: Hashable {}

extension Value {
    /// The tree that a `Codable` value encodes to.
    ///
    /// - Throws: ``ShapeError/Code/unrepresentable``.
    public init<T: Encodable>(encodable value: T) throws(ShapeError) {
        do {
            self = try ValueEncoder.encode(value)
        } catch EncodingError.invalidValue(_, let context) {
            throw ShapeError(.unrepresentable, context.debugDescription).inside(codingPath: context.codingPath)
        } catch let error as ShapeError {
            throw error
        } catch {
            throw ShapeError(.unrepresentable, "\(error)")
        }
    }

    /// The `Codable` value that this tree encodes.
    ///
    /// - Throws: ``ShapeError/Code/typeMismatch``, ``ShapeError/Code/missingField`` or ``ShapeError/Code/invalidValue``, with the path.
    public func decoded<T: Decodable>(as type: T.Type) throws(ShapeError) -> T {
        do {
            return try ValueDecoder.decode(type, from: self)
        } catch let error as DecodingError {
            throw ShapeError(error)
        } catch let error as ShapeError {
            throw error
        } catch {
            throw ShapeError(.invalidValue, "\(error)")
        }
    }
}

extension ShapeError {
    fileprivate init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(_, let context):
            self = ShapeError(.missingField, context.debugDescription).inside(codingPath: context.codingPath)
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            self = ShapeError(.typeMismatch, context.debugDescription).inside(codingPath: context.codingPath)
        case .dataCorrupted(let context):
            self = ShapeError(.invalidValue, context.debugDescription).inside(codingPath: context.codingPath)
        @unknown default: self = ShapeError(.invalidValue, "\(error)")
        }
    }

    fileprivate func inside(codingPath: [any CodingKey]) -> ShapeError {
        codingPath.reversed().reduce(self) { error, key in
            error.inside(key.intValue.map(ShapePath.Step.index) ?? .field(key.stringValue))
        }
    }
}
