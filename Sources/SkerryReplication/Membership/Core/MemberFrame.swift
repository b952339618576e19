/// What goes over a link of membership, one a packet: a byte that says what, and the bytes of it (docs/formats/member-links.md).
enum MemberFrame: UInt8 {
    /// A packet of ``SkerryGossip/Membership``, which may be lost.
    case packet = 1
    /// A message of an exchange.
    case exchange
    /// "Say this again": eight bytes.
    case echo
    case echoReply
    /// A message of views. Only members that have said that they know views are sent one: others would end the link.
    case views

    static let tokenBytes = 8

    func frame(_ bytes: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(bytes.count + 1)
        frame.append(rawValue)
        frame.append(contentsOf: bytes)
        return frame
    }

    static func bytes(of token: UInt64) -> [UInt8] { withUnsafeBytes(of: token.littleEndian) { Array($0) } }
}
