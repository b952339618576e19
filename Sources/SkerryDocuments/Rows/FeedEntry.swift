public import SkerryCRDT
import SkerryStorage

/// One commit of a store, in the order of its origin: which document, and what came to it.
public struct FeedEntry: Sendable, Hashable {
    /// Events of one writer that were new, by their sequences, from 1.
    public struct Stretch: Sendable, Hashable {
        public var writer: OriginID
        public var events: ClosedRange<UInt64>

        public init(writer: OriginID, events: ClosedRange<UInt64>) {
            self.writer = writer
            self.events = events
        }
    }

    /// The store's origin, and the number of the commit, from 1 without gaps.
    public var dot: Dot
    public var document: String
    /// What the commit added; of a deletion, nothing.
    public var stretches: [Stretch]
    public var isDeletion: Bool
    public var stamp: HybridTimestamp

    public init(dot: Dot, document: String, stretches: [Stretch], isDeletion: Bool, stamp: HybridTimestamp) {
        self.dot = dot
        self.document = document
        self.stretches = stretches
        self.isDeletion = isDeletion
        self.stamp = stamp
    }

    /// What leads from one version to a later one.
    static func stretches(from old: CausalContext, to new: CausalContext) -> [Stretch] {
        new.dots.compactMap { dot in
            let known = old.sequence(of: dot.origin)
            return known < dot.sequence ? Stretch(writer: dot.origin, events: known + 1...dot.sequence) : nil
        }
    }

    /// ```
    /// feed    = stamp (05 name stretches | 06 name)
    /// stretches = count (writer first count)*
    /// ```
    func write(to writer: inout FieldWriter, _ writers: inout WriterTable) {
        writer.write(fixed: stamp.rawValue)
        writer.write(byte: isDeletion ? 6 : 5)
        writer.write(document)
        guard !isDeletion else { return }
        writer.write(stretches.count)
        for stretch in stretches {
            writer.write(writers.number(of: stretch.writer))
            writer.write(stretch.events.lowerBound)
            writer.write(stretch.events.upperBound - stretch.events.lowerBound + 1)
        }
    }

    init(dot: Dot, _ reader: inout FieldReader, _ writers: WriterTable) throws(StorageError) {
        self.dot = dot
        stamp = try reader.readStamp()
        let kind = try reader.readByte()
        guard kind == 5 || kind == 6 else { throw StorageError(.newerFormat, "a feed row of kind \(kind)") }
        isDeletion = kind == 6
        document = try reader.readString()
        stretches = []
        guard !isDeletion else { return }
        for _ in 0..<(try reader.readCount(maximum: reader.remaining / 3)) {
            let writer = try reader.readWriter(writers)
            let first = try reader.readInteger(), count = try reader.readInteger()
            let (end, overflow) = first.addingReportingOverflow(count)
            guard first > 0, count > 0, !overflow else { throw StorageError(.corrupt, "a feed row of \(count) events from \(first)") }
            stretches.append(Stretch(writer: writer, events: first...end - 1))
        }
    }
}
