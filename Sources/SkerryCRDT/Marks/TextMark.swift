/// What one event that marks a text says, in the terms of its author.
///
/// Like every event of a text it has plain positions, in the version that it had seen; they become anchors where the characters have names.
struct TextMark: Sendable, Equatable {
    /// What kind of mark.
    var key: String
    /// In scalars.
    var position: Int
    var count: Int
    var expansion: MarkExpansion
    var stamp: HybridTimestamp
    /// nil takes the mark off.
    var value: DocumentValue?

    /// ```
    /// mark = key:string expansion:1 position:varint count:varint stamp:8 (0 | 1 value)
    /// ```
    func encode(to writer: inout ByteWriter) {
        writer.write(string: key)
        writer.write(expansion.rawValue)
        writer.write(varint: position)
        writer.write(varint: count)
        writer.write(fixed: stamp.rawValue)
        writer.write(value == nil ? 0 : 1)
        value?.encode(to: &writer)
    }

    init(_ reader: inout ByteReader) throws(DocumentError) {
        key = try reader.string(atMost: UpdateDecoder.keyMaximum)
        guard let expansion = MarkExpansion(rawValue: try reader.byte()) else { throw reader.damaged("an unknown expansion of a mark") }
        self.expansion = expansion
        position = try reader.count(atMost: ChangeBatch.positionMaximum, "the position of a mark")
        count = try reader.count(atMost: ChangeBatch.positionMaximum, "the length of a mark")
        guard count > 0 else { throw reader.damaged("a mark of nothing") }
        stamp = HybridTimestamp(rawValue: try reader.fixed64())
        value = try Self.value(&reader)
    }

    init(key: String, range: Range<Int>, expansion: MarkExpansion, stamp: HybridTimestamp, value: DocumentValue?) {
        self.key = key
        position = range.lowerBound
        count = range.count
        self.expansion = expansion
        self.stamp = stamp
        self.value = value
    }

    /// A mark's value: anything but a container.
    static func value(_ reader: inout ByteReader) throws(DocumentError) -> DocumentValue? {
        let form = try reader.byte()
        guard form <= 1 else { throw reader.damaged("an unknown form of write") }
        if form == 0 { return nil }
        let value = try DocumentValue(&reader)
        if case .container = value { throw reader.damaged("a mark cannot hold a container") }
        return value
    }
}
