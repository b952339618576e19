/// News that still have to be told, the least told first, of those the newest.
///
/// One piece a member: fresh news about it replace what is queued, so the queue is never longer than the member list.
struct NewsQueue: Sendable {
    private struct Item {
        var news: MemberNews
        var bytes: [UInt8]
        var transmissions: Int
        var serial: UInt64
    }

    private var items: [Item] = []
    private var serial: UInt64 = 0

    var isEmpty: Bool { items.isEmpty }
    var count: Int { items.count }

    mutating func insert(_ news: MemberNews) {
        items.removeAll { $0.news.member == news.member }
        var writer = PacketWriter()
        GossipMessage.news(news).write(to: &writer)
        serial += 1
        items.insert(Item(news: news, bytes: writer.bytes, transmissions: 0, serial: serial), at: 0)
    }

    mutating func removeAll(about member: MemberID) { items.removeAll { $0.news.member == member } }

    /// Fills up a packet, and counts. What has been told `transmissionsMaximum` times leaves.
    mutating func fill(_ writer: inout PacketWriter, upTo bytes: Int, transmissionsMaximum: Int) {
        guard !items.isEmpty else { return }
        var (room, told, isChanged) = (bytes - writer.count, 0, false)
        for index in items.indices where items[index].bytes.count <= room && told < MembershipLimits.newsPerPacketMaximum / 2 {
            writer.raw(items[index].bytes)
            room -= items[index].bytes.count
            items[index].transmissions += 1
            told += 1
            isChanged = true
        }
        guard isChanged else { return }
        items.removeAll { $0.transmissions >= transmissionsMaximum }
        items.sort { ($0.transmissions, $1.serial) < ($1.transmissions, $0.serial) }
    }
}
