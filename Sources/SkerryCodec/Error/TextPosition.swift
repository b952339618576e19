/// A place in a text, as editors count: lines and columns from 1, columns in bytes of UTF-8.
public struct TextPosition: Hashable, Sendable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// Counts the line feeds before `offset`.
    ///
    /// - Complexity: O(`offset`).
    public init(of offset: Int, in text: UnsafeRawBufferPointer) {
        line = 1
        column = 1
        for byte in text.prefix(max(0, offset)) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
    }
}
