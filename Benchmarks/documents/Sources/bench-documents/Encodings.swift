import SkerryCRDT

/// The whole history of a document and its snapshot, written and read.
enum Encodings {
    static func run(_ document: Document) -> [(String, Double)] {
        do {
            let written = try Measure.median(runs: 5) { try document.history() }
            let read = try Measure.median(runs: 5) {
                let other = Document(origin: OriginID(rawValue: 77))
                try other.merge(written.last)
                return (other, other.text("t").string)
            }
            Measure.check(read.last.1 == document.text("t").string, "the text of the history read back is another")
            Measure.check(read.last.0.version == document.version, "the version of the history read back is another")
            let sent = try Measure.median(runs: 5) { try frames(of: document) }
            let whole = Measure.median(runs: 5) {
                let other = Document(origin: OriginID(rawValue: 77))
                var decoders = Decoders(count: 1)
                for frame in sent.last { decoders.apply(frame, from: 0, to: other) }
                return (other, other.text("t").string)
            }
            Measure.check(whole.last.1 == document.text("t").string, "the text of the whole history is another")
            let taken = Measure.median(runs: 5) { document.snapshot() }
            let snapshot = taken.last
            let opened = try Measure.median(runs: 9) {
                let other = try Document(origin: OriginID(rawValue: 78), snapshot: snapshot)
                return (other, other.text("t").string)
            }
            Measure.check(opened.last.1 == document.text("t").string, "the text of the snapshot is another")
            return [
                ("frame", sent.milliseconds), ("frame-bytes", Double(sent.last.reduce(0) { $0 + $1.count })), ("whole", whole.milliseconds),
                ("encode", written.milliseconds), ("bytes", Double(written.last.count)), ("load", read.milliseconds),
                ("snapshot", taken.milliseconds), ("open", opened.milliseconds), ("snapshot-bytes", Double(snapshot.count)),
            ]
        } catch { Measure.check(false, "\(error)") }
        return []
    }

    /// The whole history as a peer gets it that has nothing.
    static func frames(of document: Document) throws(DocumentError) -> [[UInt8]] {
        var encoder = UpdateEncoder()
        var frames: [[UInt8]] = []
        while let frame = try encoder.encode(document) { frames.append(frame) }
        return frames
    }
}
