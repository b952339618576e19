public import SkerryCodec

/// The references of a payload that has none.
@usableFromInline
final class NoReferences: ReferenceSource, Sendable {
    @usableFromInline static let shared = NoReferences()

    @usableFromInline
    func take(_ index: UInt32, shape: Shape.Reference) throws(ShapeError) -> any AnyObject & Sendable {
        throw ShapeError(.badReference, "reference \(index) of none")
    }
}
