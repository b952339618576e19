/// Frames that wait for one member, bounded: the oldest go when it does not take them.
struct FrameQueue: Sendable {
    private var frames: [[UInt8]] = []
    private var start = 0
    private(set) var bytes = 0
    /// Frames that were dropped.
    private(set) var dropped: UInt64 = 0

    private let countMaximum: Int
    private let bytesMaximum: Int

    init(countMaximum: Int, bytesMaximum: Int) {
        (self.countMaximum, self.bytesMaximum) = (countMaximum, bytesMaximum)
    }

    var count: Int { frames.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ frame: [UInt8]) {
        frames.append(frame)
        bytes += frame.count
        while count > 1, count > countMaximum || bytes > bytesMaximum {
            _ = popFirst()
            dropped += 1
        }
    }

    mutating func popFirst() -> [UInt8]? {
        guard start < frames.count else { return nil }
        let frame = frames[start]
        frames[start] = []
        start += 1
        bytes -= frame.count
        if start == frames.count {
            frames.removeAll(keepingCapacity: start <= countMaximum)
            start = 0
        } else if start > countMaximum {
            frames.removeFirst(start)
            start = 0
        }
        return frame
    }

    mutating func removeAll() {
        dropped += UInt64(count)
        (frames, start, bytes) = ([], 0, 0)
    }
}
