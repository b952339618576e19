internal import Crypto
internal import SkerryGossip

/// The first packets of a link between members, for either side: who they are, what the link is for, and that both know the secret
/// (docs/formats/member-links.md).
///
/// A challenge each way, so that nobody opens a link with packets overheard. It proves who opened the link and protects nothing after that: over
/// networks that others can reach, links use TLS beside it.
struct MemberHandshake: Sendable {
    /// What a handshake came to.
    struct Opened: Sendable, Hashable {
        var member: MemberID
        var purpose: LinkPurpose
    }

    enum Step: Sendable, Hashable {
        /// More has to come.
        case wait
        /// Done, as far as this side is concerned; its packets may follow.
        case opened(Opened)
        /// Say what waits to be sent, then close.
        case refused(MemberError)
    }

    static let version: UInt8 = 1
    static let nonceBytes = 16
    static let proofBytes = 16
    private static let magic: [UInt8] = Array("SKML".utf8)
    /// Of the longest packet of a handshake.
    static let packetMaximum = 64

    private enum Phase { case new, greeted, answered, over }

    private let own: MemberID
    private let secret: [UInt8]
    private let nonce: [UInt8]
    /// Of the dialling side; nil on the other.
    private let wish: LinkPurpose?
    private let purposes: Set<LinkPurpose>
    private var phase = Phase.new
    private var opened: Opened?
    /// What both proofs are made over: the first packet and the answer to it.
    private var transcript: [UInt8] = []
    /// Packets that wait to be sent, in order.
    private(set) var output: [[UInt8]] = []

    /// The side that dials.
    ///
    /// - Parameter nonce: ``nonceBytes`` random bytes, never used before.
    init(dialling purpose: LinkPurpose, as own: MemberID, secret: [UInt8]?, nonce: [UInt8]) {
        (self.own, self.secret, self.nonce, wish, purposes) = (own, secret ?? [], nonce, purpose, [])
        var greeting = Self.magic
        greeting += [Self.version, purpose.rawValue]
        Self.append(own, to: &greeting)
        greeting += nonce
        transcript = greeting
        output = [greeting]
        phase = .greeted
    }

    /// The side that accepts.
    init(accepting purposes: Set<LinkPurpose>, as own: MemberID, secret: [UInt8]?, nonce: [UInt8]) {
        (self.own, self.secret, self.nonce, wish, self.purposes) = (own, secret ?? [], nonce, nil, purposes)
    }

    /// The next packet to send; nil when there is none.
    mutating func takeOutput() -> [UInt8]? { output.isEmpty ? nil : output.removeFirst() }

    /// Takes a packet of the other side.
    mutating func receive(_ packet: UnsafeRawBufferPointer) -> Step {
        switch (phase, wish) {
        case (.new, _): return receiveGreeting(Array(packet))
        case (.greeted, let purpose?): return receiveAnswer(Array(packet), purpose)
        case (.answered, _): return receiveProof(Array(packet))
        default: return fail(.protocolViolation, "a packet after the handshake was over")
        }
    }

    // MARK: Steps

    private mutating func receiveGreeting(_ packet: [UInt8]) -> Step {
        guard packet.count == 14 + Self.nonceBytes, packet.starts(with: Self.magic) else {
            return fail(.protocolViolation, "what came is not the greeting of a member")
        }
        guard packet[4] == Self.version else { return refuse(.version, .version, "the other side speaks version \(packet[4])") }
        let purpose = LinkPurpose(rawValue: packet[5])
        guard purposes.contains(purpose) else { return refuse(.purpose, .purpose, "no links for \(purpose) here") }
        opened = Opened(member: Self.member(packet[6..<14]), purpose: purpose)
        var answer = Self.magic + [Self.version, Verdict.accepted.rawValue]
        Self.append(own, to: &answer)
        answer += nonce
        transcript = packet + answer
        output.append(answer + proof(of: .acceptor))
        phase = .answered
        return .wait
    }

    private mutating func receiveAnswer(_ packet: [UInt8], _ purpose: LinkPurpose) -> Step {
        guard packet.count >= 6, packet.starts(with: Self.magic), let verdict = Verdict(rawValue: packet[5]) else {
            return fail(.protocolViolation, "what came is not the answer of a member")
        }
        switch verdict {
        case .version: return fail(.version, "the other side speaks version \(packet[4]) and not \(Self.version)")
        case .purpose: return fail(.purpose, "the other side takes no links for \(purpose)")
        case .accepted: break
        }
        let length = 14 + Self.nonceBytes
        guard packet[4] == Self.version, packet.count == length + Self.proofBytes else {
            return fail(.protocolViolation, "what came is not the answer of a member")
        }
        transcript += packet[..<length]
        guard Self.isEqual(proof(of: .acceptor), packet[length...]) else {
            return fail(.secret, "the other side knows another cluster secret")
        }
        output.append(proof(of: .dialler))
        return open(Opened(member: Self.member(packet[6..<14]), purpose: purpose))
    }

    private mutating func receiveProof(_ packet: [UInt8]) -> Step {
        guard let opened, Self.isEqual(proof(of: .dialler), packet[...]) else {
            return fail(.secret, "the other side knows another cluster secret")
        }
        return open(opened)
    }

    /// What the answer says.
    private enum Verdict: UInt8 { case accepted = 0, version, purpose }

    private mutating func refuse(_ code: MemberError.Code, _ verdict: Verdict, _ message: String) -> Step {
        output.append(Self.magic + [Self.version, verdict.rawValue])
        return fail(code, message)
    }

    private mutating func fail(_ code: MemberError.Code, _ message: String) -> Step {
        phase = .over
        return .refused(MemberError(code, message))
    }

    private mutating func open(_ opened: Opened) -> Step {
        phase = .over
        return .opened(opened)
    }

    // MARK: Bytes

    private enum Role: UInt8 { case dialler = 1, acceptor }

    private func proof(of role: Role) -> [UInt8] {
        var code = HMAC<SHA256>(key: SymmetricKey(data: secret))
        code.update(data: [role.rawValue])
        code.update(data: transcript)
        return Array(code.finalize().prefix(Self.proofBytes))
    }

    /// Takes as long for any two of one length.
    private static func isEqual(_ left: [UInt8], _ right: ArraySlice<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left, right) { difference |= one ^ other }
        return difference == 0
    }

    private static func append(_ member: MemberID, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: member.rawValue.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func member(_ bytes: ArraySlice<UInt8>) -> MemberID {
        var value: UInt64 = 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return MemberID(rawValue: value)
    }
}
