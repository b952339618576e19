/// Why a value could not be written or read: what is wrong, at which byte, and in which part of the value.
///
/// One type for every format. The reader that meets the bad byte says code, message and offset; each record, list and map the error
/// passes on its way out adds its part to ``path``, so reading without errors pays nothing for it.
///
/// One word large, so that it travels in a register.
@frozen
public struct ShapeError: Error, Sendable {
    @usableFromInline let storage: Storage

    @usableFromInline
    final class Storage: Sendable {
        let code: Code
        let message: String
        let offset: Int?
        let position: TextPosition?
        /// Innermost first, because it grows outwards.
        let reversedPath: [ShapePath.Step]

        init(code: Code, message: String, offset: Int?, position: TextPosition?, reversedPath: [ShapePath.Step]) {
            self.code = code
            self.message = message
            self.offset = offset
            self.position = position
            self.reversedPath = reversedPath
        }
    }

    /// - Parameters:
    ///   - code: the kind, by which callers choose what to do.
    ///   - message: one sentence for the reader of a log, without the place.
    ///   - offset: the byte of the input, counted from 0, where it was noticed; nil when there is no input.
    @inline(never)
    public init(_ code: Code, _ message: String, at offset: Int? = nil) {
        storage = Storage(code: code, message: message, offset: offset, position: nil, reversedPath: [])
    }

    private init(_ storage: Storage) {
        self.storage = storage
    }

    /// The kind of error.
    public var code: Code { storage.code }
    /// One sentence for the reader of a log, without the place.
    public var message: String { storage.message }
    /// The byte of the input, counted from 0, where the error was noticed. Nil for errors of writing.
    public var offset: Int? { storage.offset }
    /// Line and column of ``offset``, for formats that are text.
    public var position: TextPosition? { storage.position }
    /// The part of the value, from the outside in: `parts[3].etag`.
    public var path: ShapePath { ShapePath(storage.reversedPath.reversed()) }
}

// MARK: - Growing outwards

extension ShapeError {
    /// The same error, seen from the value that holds the failing one at `step`.
    @inline(never)
    public func inside(_ step: ShapePath.Step) -> ShapeError {
        ShapeError(
            Storage(
                code: code, message: message, offset: offset, position: position, reversedPath: storage.reversedPath + CollectionOfOne(step)
            ))
    }

    /// The same error with its offset, unless it has one.
    @inline(never)
    public func at(_ offset: Int) -> ShapeError {
        guard storage.offset == nil else { return self }
        return ShapeError(
            Storage(code: code, message: message, offset: offset, position: position, reversedPath: storage.reversedPath))
    }

    /// The same error with line and column, which are counted in `text` only now.
    @inline(never)
    public func located(in text: UnsafeRawBufferPointer) -> ShapeError {
        guard let offset, position == nil else { return self }
        let position = TextPosition(of: offset, in: text)
        return ShapeError(
            Storage(code: code, message: message, offset: offset, position: position, reversedPath: storage.reversedPath))
    }
}

extension ShapeError: CustomStringConvertible {
    /// `parts[3].etag: expected a string, found a number (line 4, column 17)`.
    public var description: String {
        let place = path.description
        let prefix = place.isEmpty ? message : "\(place): \(message)"
        if let position { return "\(prefix) (line \(position.line), column \(position.column))" }
        if let offset { return "\(prefix) (byte \(offset))" }
        return prefix
    }
}

extension ShapeError: Equatable {
    public static func == (a: ShapeError, b: ShapeError) -> Bool {
        a.code == b.code && a.message == b.message && a.offset == b.offset && a.position == b.position && a.path == b.path
    }
}
