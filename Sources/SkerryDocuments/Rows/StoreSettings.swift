import SkerryCRDT
import SkerryStorage

/// What a store must not forget from one life to the next. Stands in every batch.
struct StoreSettings: Sendable, Hashable {
    /// Lives that a feed remembers.
    static let pastMaximum = 1024

    /// Numbers this store's commits: random, new with each epoch.
    var origin: OriginID
    /// Counts the lives: 1, and one more for each restore.
    var epoch: UInt64 = 1
    /// The last commit.
    var sequence: UInt64 = 0
    /// No stamp that a commit wrote is larger, and none that was given out within a second of the last commit.
    var mark: HybridTimestamp = .zero
    /// The next document's number.
    var nextDocument: UInt64 = 1
    /// Where the store was when it wrote this; see ``DocumentStoreOptions/place``.
    var place: [UInt8] = []
    /// The origins of earlier epochs and their last commits.
    var past: [Dot] = []

    init(origin: OriginID) { self.origin = origin }

    /// ```
    /// settings = origin:fixed epoch sequence mark:fixed next-document place:bytes count (origin:fixed sequence)*
    /// ```
    func write(to writer: inout FieldWriter) {
        writer.write(fixed: origin.rawValue)
        writer.write(epoch)
        writer.write(sequence)
        writer.write(fixed: mark.rawValue)
        writer.write(nextDocument)
        writer.write(place)
        writer.write(past.count)
        for dot in past {
            writer.write(fixed: dot.origin.rawValue)
            writer.write(dot.sequence)
        }
    }

    init(_ reader: inout FieldReader) throws(StorageError) {
        origin = OriginID(rawValue: try reader.readFixed())
        epoch = try reader.readInteger()
        sequence = try reader.readInteger()
        mark = try reader.readStamp()
        nextDocument = try reader.readInteger()
        place = try reader.readBytes()
        for _ in 0..<(try reader.readCount(maximum: min(StoreSettings.pastMaximum, reader.remaining / 9))) {
            past.append(Dot(origin: OriginID(rawValue: try reader.readFixed()), sequence: try reader.readInteger()))
        }
    }

    /// Begins another life under a new origin.
    mutating func beginEpoch(_ new: OriginID) {
        past.append(Dot(origin: origin, sequence: sequence))
        if past.count > StoreSettings.pastMaximum { past.removeFirst() }
        origin = new
        epoch += 1
        sequence = 0
    }
}
