extension SessionCore {
    /// What the session has done and holds. O(channels).
    public var statistics: SessionStatistics {
        var statistics = counters
        statistics.questions = openQuestions
        statistics.answers = openAnswers + openOneWays
        statistics.exports = exportCount
        statistics.imports = importCount
        statistics.channels = channelCount
        statistics.bytesQueued =
            messages.count + urgent.count + part.bytes.count + channels.reduce(0) { $0 + $1.pending.count - $1.pendingStart }
        statistics.bytesRetained = retention.byteCount
        statistics.bytesUntaken = sessionUntaken
        statistics.roundTrip = recovery.smoothed
        return statistics
    }

    /// All references of both sides, by id. O(n log n).
    public func references() -> [ReferenceDescription] {
        var rows: [ReferenceDescription] = []
        for export in exports where export.isLive {
            rows.append(
                describe(
                    export.id, export.kind, isLocal: true, introductions: export.introductions, isClosed: export.isClosed,
                    channel: export.channel))
        }
        for row in imports where row.isLive {
            rows.append(
                describe(
                    row.id, row.kind, isLocal: false, introductions: row.introductions - row.releasePending, isClosed: row.isClosed,
                    channel: row.channel))
        }
        return rows.sorted { $0.id < $1.id }
    }

    private func describe(
        _ id: UInt64, _ kind: SessionReference.Kind, isLocal: Bool, introductions: Int, isClosed: Bool, channel index: Int
    ) -> ReferenceDescription {
        var row = ReferenceDescription(
            id: ReferenceID(rawValue: id), kind: kind, isLocal: isLocal, introductions: introductions, isClosed: isClosed,
            creditElements: 0,
            creditBytes: 0, windowElements: 0, windowBytes: 0, waitingElements: 0, waitingBytes: 0)
        guard index >= 0 else { return row }
        let channel = channels[index]
        row.isClosed = channel.finishing != nil || channel.isRefused || channel.isEnded || channel.isDropped
        row.creditElements = channel.isProducer ? channel.creditElements : channel.windowLeftElements
        row.creditBytes = channel.isProducer ? channel.creditBytes : channel.windowLeftBytes
        row.windowElements = channel.windowElements
        row.windowBytes = channel.windowBytes
        row.waitingElements = channel.isProducer ? channel.pendingElements : channel.untakenElements
        row.waitingBytes = channel.isProducer ? channel.pendingPayloadBytes : channel.untakenBytes
        return row
    }
}
