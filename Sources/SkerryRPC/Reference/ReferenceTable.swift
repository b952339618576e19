public import SkerryCodec

/// The references of one payload while it is written or read.
// Lives inside one call of `encode` or `decode`, on one thread.
@usableFromInline
package final class ReferenceTable: ReferenceSink, ReferenceSource {
    /// Most references of one payload.
    package static let countMaximum = 1_024

    @usableFromInline package private(set) var objects: [any AnyObject & Sendable]

    @usableFromInline
    package init(_ objects: [any AnyObject & Sendable] = []) {
        self.objects = objects
    }

    @usableFromInline
    package func add(_ object: any AnyObject & Sendable, shape: Shape.Reference) throws(ShapeError) -> UInt32 {
        guard objects.count < Self.countMaximum else {
            throw ShapeError(.badReference, "more than \(Self.countMaximum) references in one value")
        }
        objects.append(object)
        return UInt32(objects.count - 1)
    }

    @usableFromInline
    package func take(_ index: UInt32, shape: Shape.Reference) throws(ShapeError) -> any AnyObject & Sendable {
        guard index < objects.count else {
            throw ShapeError(.badReference, "reference \(index) of \(objects.count)")
        }
        return objects[Int(index)]
    }
}
