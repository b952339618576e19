internal import SkerryCRDT

/// Positions as a statement of ``ReconciliationTransfer`` carries them.
extension FeedMark {
    /// A count, then of each mark its origin, sequence, link and stamp; at most ``FeedLimits/origins``.
    public static func encoded(_ marks: [FeedMark]) -> [UInt8] {
        var writer = FeedWriter()
        writer.integer(marks.count)
        for mark in marks { writer.write(mark) }
        return writer.bytes
    }

    /// - Throws: ``FeedError`` with ``FeedError/Code/malformed`` or ``FeedError/Code/limitExceeded``.
    public static func decoded(_ bytes: [UInt8]) throws(FeedError) -> [FeedMark] {
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(FeedError) in
                var reader = FeedReader(raw)
                let count = try reader.count(atMost: FeedLimits.origins, eachAtLeast: 49, "positions")
                var marks: [FeedMark] = []
                for _ in 0..<count { marks.append(try reader.mark()) }
                try reader.end()
                return marks
            }
        }
        return try result.get()
    }
}
