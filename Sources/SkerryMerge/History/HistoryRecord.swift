/// How an object is kept: whole, or as its difference from another.
///
/// A chain of differences is at most ``chainMaximum`` long, so reading an object costs a bounded number of records whatever the length of the
/// history. Identifiers do not depend on the form.
struct HistoryRecord {
    enum Form {
        case whole(ArraySlice<UInt8>)
        /// `chain` is the number of records to read before this one.
        case delta(base: ObjectID, chain: Int, ArraySlice<UInt8>)
    }

    /// Longest chain: 16.
    static var chainMaximum: Int { 16 }
    /// Smallest object kept as a difference: 256 bytes.
    static var deltaMinimum: Int { 256 }

    static func whole(_ object: [UInt8]) -> [UInt8] { [0] + object }

    /// The difference if it saves at least half.
    static func delta(of object: [UInt8], from base: [UInt8], _ baseID: ObjectID, chain: Int) -> [UInt8]? {
        guard chain <= chainMaximum, object.count >= deltaMinimum else { return nil }
        var writer = FieldWriter()
        writer.byte(1)
        writer.raw(baseID.bytes)
        writer.count(chain)
        ByteDelta.write(from: base, to: object, &writer)
        return writer.bytes.count * 2 <= object.count ? writer.bytes : nil
    }

    /// What a record's object is to a tree, without reading all of it; nil for a commit, or for bytes that are no record.
    static func kind(of record: [UInt8]) -> Tree.Entry.Kind? {
        // Content alone is kept as differences.
        guard record.first == 0, record.count > 1 else { return record.first == 1 ? .content : nil }
        return HistoryObject.kind(letter: record[1])
    }

    static func parse(_ record: [UInt8]) throws(FormatError) -> Form {
        var reader = FieldReader(record)
        switch try reader.byte() {
        case 0: return .whole(try reader.raw(reader.remaining))
        case 1:
            let base = try reader.objectID()
            let at = reader.offset
            let chain = try reader.integer()
            guard (1...UInt64(chainMaximum)).contains(chain) else { throw FormatError(.tooLarge, at: at, "a chain of \(chain)") }
            return .delta(base: base, chain: Int(chain), try reader.raw(reader.remaining))
        default: throw FormatError(.malformed, at: 0, "an unknown form of record")
        }
    }
}

/// Bytes as copies from other bytes and pieces of their own, cut at lines.
enum ByteDelta {
    static func write(from base: [UInt8], to target: [UInt8], _ writer: inout FieldWriter) {
        let source = TextLines(base), lines = TextLines(target)
        let diff = source.diff(to: lines)
        writer.count(target.count)
        var copied = 0
        for hunk in diff.hunks {
            copy(source, copied..<hunk.source.lowerBound, &writer)
            copied = hunk.source.upperBound
            let inserted = lines.bytes(ofLines: hunk.target)
            guard !inserted.isEmpty else { continue }
            writer.count(inserted.count << 1 | 1)
            writer.raw(inserted)
        }
        copy(source, copied..<source.count, &writer)
    }

    private static func copy(_ source: TextLines, _ lines: Range<Int>, _ writer: inout FieldWriter) {
        let bytes = source.bytes(ofLines: lines)
        guard !bytes.isEmpty else { return }
        writer.count(bytes.count << 1)
        writer.count(bytes.startIndex)
    }

    static func apply(_ delta: ArraySlice<UInt8>, to base: [UInt8]) throws(FormatError) -> [UInt8] {
        var reader = FieldReader(delta)
        let size = try reader.integer()
        guard size <= UInt64(HistoryObject.sizeMaximum) else { throw FormatError(.tooLarge, at: 0, "an object of \(size) bytes") }
        var result: [UInt8] = []
        while reader.remaining > 0 {
            let operation = try reader.integer()
            let length = operation >> 1
            guard length > 0, length <= size - UInt64(result.count) else {
                throw reader.malformed("more bytes than the difference announces")
            }
            if operation & 1 == 1 {
                result.append(contentsOf: try reader.raw(Int(length)))
            } else {
                let start = try reader.integer()
                guard start <= UInt64(base.count), length <= UInt64(base.count) - start else {
                    throw reader.malformed("a copy beyond the base")
                }
                result.append(contentsOf: base[Int(start)..<Int(start + length)])
            }
        }
        guard result.count == Int(size) else { throw reader.malformed("fewer bytes than the difference announces") }
        return result
    }
}
