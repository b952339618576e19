/// Where a writer hands in the references it meets: channel ends and services, which travel as an index beside the bytes.
///
/// A session implements it: it exports the object and returns its place in the frame's reference table.
public protocol ReferenceSink: AnyObject {
    /// Enters `object` into the table of the frame being written.
    ///
    /// - Returns: the index a reader on the far side hands to its ``ReferenceSource``.
    /// - Throws: ``ShapeError/Code/badReference`` when it cannot cross.
    func add(_ object: any AnyObject & Sendable, shape: Shape.Reference) throws(ShapeError) -> UInt32
}

/// Where a reader gets the references of a frame.
///
/// A session implements it: it imports the entry of the frame's table as a proxy.
public protocol ReferenceSource: AnyObject {
    /// The object behind `index`.
    ///
    /// - Parameter shape: what the reader's type expects; the caller casts the result to its own type.
    /// - Throws: ``ShapeError/Code/badReference`` when the table has no such entry, or one of another kind.
    func take(_ index: UInt32, shape: Shape.Reference) throws(ShapeError) -> any AnyObject & Sendable
}
