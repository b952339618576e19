extension Membership {
    /// A message of views as a packet, with the sender and the cluster's tag.
    public func packet(of message: ViewMessage) -> [UInt8] {
        var writer = PacketWriter()
        writer.byte(GossipPacket.version)
        writer.word(id.rawValue)
        writer.raw(message.encoded)
        return ClusterSecret.seal(writer.bytes, with: secret)
    }

    /// The message of views in a packet.
    ///
    /// - Parameter sender: who is at the other end of the link that it came over.
    /// - Throws: what is wrong with it, also when it names another sender. Drop the link.
    public func viewMessage(in packet: UnsafeRawBufferPointer, from sender: MemberID) throws(MalformedPacket) -> ViewMessage {
        let body = try ClusterSecret.open(packet, with: secret)
        var reader = PacketReader(body)
        guard try reader.byte() == GossipPacket.version else { throw reader.fail(.unknown) }
        guard try reader.word() == sender.rawValue else { throw reader.fail(.unknown) }
        return try ViewMessage(decoding: UnsafeRawBufferPointer(rebasing: body[reader.offset...]))
    }
}
