/// An open record, while its fields are written or read. It lives on the stack of the function that opened it.
@frozen
public struct RecordFrame {
    /// The description of the record.
    public let fields: Fields
    /// The field being read or written; -1 before the first.
    public var index: Int
    /// Fields written or read so far, known or not.
    public var count: Int
    /// Bits of the fields 0 to 63 that were met.
    public var seenLow: UInt64
    /// Bits of the fields 64 to 127 that were met.
    public var seenHigh: UInt64
    /// The byte where the record begins, for errors; 0 when writing.
    public var offset: Int
    /// For the format.
    public var mark: Int
    /// For the format.
    public var extra: Int

    @inlinable @inline(__always)
    public init(_ fields: Fields, offset: Int = 0, mark: Int = 0, extra: Int = 0) {
        self.fields = fields
        self.offset = offset
        self.mark = mark
        self.extra = extra
        index = -1
        count = 0
        seenLow = 0
        seenHigh = 0
    }

    /// Notes that the field at `index` is met.
    ///
    /// - Returns: whether it is the first time.
    @inlinable @inline(__always)
    public mutating func note(_ index: Int) -> Bool {
        let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: index)
        self.index = index
        if index < 64 {
            defer { seenLow |= bit }
            return seenLow & bit == 0
        }
        defer { seenHigh |= bit }
        return seenHigh & bit == 0
    }

    /// The value of a field after the record was read: what was read, or else what its absence means.
    ///
    /// - Throws: ``ShapeError/Code/missingField``.
    @inlinable @inline(__always)
    public func require<T: Shaped>(_ value: consuming T?, _ index: Int) throws(ShapeError) -> T {
        if let value { return value }
        if let absent = T.absent { return absent }
        throw missing(index)
    }

    /// The error for a field without a value.
    @inline(never)
    public func missing(_ index: Int) -> ShapeError {
        outside(ShapeError(.missingField, "\(fields.name) has no field \(fields[index].key)", at: offset))
    }

    /// The error for a field met twice.
    @inline(never)
    public func duplicate(_ index: Int, at offset: Int) -> ShapeError {
        outside(ShapeError(.duplicateField, "field \(fields[index].key) of \(fields.name) stands here twice", at: offset))
    }

    /// The error for a field that the type does not have.
    @inline(never)
    public func unknown(_ key: UnsafeRawBufferPointer, at offset: Int) -> ShapeError {
        outside(ShapeError(.unknownField, "\(fields.name) has no field \(String(decoding: key.prefix(64), as: UTF8.self))", at: offset))
    }

    /// The error as it looks from outside the field being read or written.
    @inline(never)
    public func passing(_ error: ShapeError, _ index: Int) -> ShapeError {
        outside(error.inside(.field(fields[index].key)))
    }

    /// The error as it looks from outside the record: the labelled values of a case stand inside of the case.
    private func outside(_ error: ShapeError) -> ShapeError {
        fields.owner.map { error.inside(.variant($0)) } ?? error
    }
}

/// An open variant, while its payload is written or read.
@frozen
public struct VariantFrame {
    /// The description of the variant.
    public let cases: Cases
    /// The case.
    public let index: Int
    /// For the format.
    public var mark: Int

    @inlinable @inline(__always)
    public init(_ cases: Cases, _ index: Int, mark: Int = 0) {
        self.cases = cases
        self.index = index
        self.mark = mark
    }

    /// The error as it looks from outside the payload.
    @inline(never)
    public func passing(_ error: ShapeError) -> ShapeError {
        error.inside(.variant(cases[index].key))
    }
}

extension Cases {
    /// The error for a case the type does not have.
    @inline(never)
    public func unknown(_ key: UnsafeRawBufferPointer, at offset: Int) -> ShapeError {
        ShapeError(.unknownCase, "\(name) has no case \(String(decoding: key.prefix(64), as: UTF8.self))", at: offset)
    }

    /// The error for a case number the type does not have.
    @inline(never)
    public func unknown(_ index: UInt64, at offset: Int) -> ShapeError {
        ShapeError(.unknownCase, "\(name) has \(count) cases and none has the number \(index)", at: offset)
    }

    /// The error for a case with a payload where it has none, or without one where it has one.
    @inline(never)
    public func mismatch(_ index: Int, at offset: Int) -> ShapeError {
        let expected = hasPayload(index) ? "carries a value" : "carries nothing"
        return ShapeError(.typeMismatch, "case \(self[index].key) of \(name) \(expected)", at: offset)
    }
}

/// An open list or map, while its elements or entries are written or read.
@frozen
public struct SequenceFrame {
    /// When writing, how many there will be; when reading, how many are still to come, or -1 where only the end will tell.
    public var remaining: Int
    /// Elements or entries begun so far.
    public var count: Int
    /// Whether the keys of a map are all text.
    public let isTextual: Bool
    /// For the format.
    public var mark: Int
    /// For the format.
    public var extra: Int

    @inlinable @inline(__always)
    public init(remaining: Int, isTextual: Bool = false, mark: Int = 0, extra: Int = 0) {
        self.remaining = remaining
        self.isTextual = isTextual
        self.mark = mark
        self.extra = extra
        count = 0
    }

    /// How many elements to reserve room for now: the claim, within reason.
    @inlinable @inline(__always)
    public func reservation<T>(for type: T.Type) -> Int {
        max(0, min(remaining, DecodingLimits.reservationMaximum / max(1, MemoryLayout<T>.stride)))
    }

    /// The error as it looks from outside the element being read or written.
    @inline(never)
    public func passing(_ error: ShapeError) -> ShapeError {
        error.inside(.index(count - 1))
    }
}
