/// Who a link comes from: the first frame of a member on a link that it opens.
///
/// Sealed with the cluster's secret, where there is one, as packets of membership are: it keeps strangers and members of other clusters out. Links that need
/// more use TLS.
public struct MemberHello: Sendable, Hashable {
    public var member: MemberID
    /// Where the member is to be reached.
    public var address: String

    private static let version: UInt8 = 1

    public init(member: MemberID, address: String) {
        self.member = member
        self.address = address
    }

    public func encoded(with secret: ClusterSecret?) -> [UInt8] {
        var writer = PacketWriter()
        writer.byte(Self.version)
        writer.word(member.rawValue)
        writer.text(address)
        return ClusterSecret.seal(writer.bytes, with: secret)
    }

    /// - Throws: where the bytes break the grammar, or that the secret is another. Cut the link.
    public init(_ bytes: UnsafeRawBufferPointer, secret: ClusterSecret?) throws(MalformedPacket) {
        var reader = PacketReader(try ClusterSecret.open(bytes, with: secret))
        guard try reader.byte() == Self.version else { throw reader.fail(.unknown) }
        member = MemberID(rawValue: try reader.word())
        address = try reader.text(maximum: MembershipLimits.addressBytesMaximum)
        guard reader.isAtEnd else { throw reader.fail(.excess) }
    }
}
