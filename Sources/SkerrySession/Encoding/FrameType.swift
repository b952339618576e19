/// The statements of the protocol. `docs/formats/session.md` gives the grammar of each.
enum FrameType: UInt8, CaseIterable {
    case call = 1
    case `return` = 2
    case cancel = 3
    case finish = 4
    case send = 5
    case credit = 6
    case close = 7
    case release = 8
    case probe = 9
    case working = 10
    case done = 11
    case goAway = 12
    case part = 13
    /// A call that was called off before it left: as long as CALL, and never executed.
    case void = 14
    case hello = 16
    case ping = 17
    case pong = 18
    case bye = 19

    /// Whether it concerns the link rather than the session: such frames have no number and are never sent again.
    var isOfLink: Bool { rawValue >= FrameType.hello.rawValue }

    /// The word in text packets.
    var word: StaticString {
        switch self {
        case .call: "call"
        case .return: "return"
        case .cancel: "cancel"
        case .finish: "finish"
        case .send: "send"
        case .credit: "credit"
        case .close: "close"
        case .release: "release"
        case .probe: "probe"
        case .working: "working"
        case .done: "done"
        case .goAway: "goaway"
        case .part: "part"
        case .void: "void"
        case .hello: "hello"
        case .ping: "ping"
        case .pong: "pong"
        case .bye: "bye"
        }
    }
}

/// Bits of CALL beyond those of ``CallOptions``.
enum CallFlag {
    static let options: UInt64 = 0x0F
    static let oneWay: UInt64 = 0x01
    static let definesMethod: UInt64 = 0x10
    static let hasDeadline: UInt64 = 0x20
    static let hasRequest: UInt64 = 0x40
    static let hasReferences: UInt64 = 0x80
    static let all: UInt64 = 0xFF
}

/// Bits of RETURN.
enum ReturnFlag {
    static let isFailure: UInt64 = 0x01
    static let confirmsDigest: UInt64 = 0x02
    static let hasReferences: UInt64 = 0x04
    /// Of a failure: the callee never began.
    static let notExecuted: UInt64 = 0x08
    static let all: UInt64 = 0x0F
    /// Those that text packets show; the others are seen from the fields.
    static let text: UInt64 = confirmsDigest | notExecuted
}

/// Bits of SEND.
enum SendFlag {
    /// The producer had more elements than credit.
    static let ranDry: UInt64 = 0x01
    static let hasReferences: UInt64 = 0x02
    static let all: UInt64 = 0x03
}

/// Bits of the first byte of a binary packet.
enum PacketFlag {
    static let numbered: UInt8 = 0x01
    static let ranges: UInt8 = 0x02
    static let all: UInt8 = 0x03
}

/// Numbers of the entries of reference tables on the wire.
enum ReferenceTag {
    static let null: UInt64 = 0
    static let service: UInt64 = 1
    static let sender: UInt64 = 2
    static let receiver: UInt64 = 3
    static let rendezvousSender: UInt64 = 4
    static let rendezvousReceiver: UInt64 = 5
    static let promise: UInt64 = 6

    static let words: [StaticString] = ["null", "service", "sender", "receiver", "rendezvousSender", "rendezvousReceiver", "promise"]
}

/// "SKRY" and the version.
enum ProtocolVersion {
    static let magic: StaticString = "SKRY"
    static let current: UInt64 = 1
}
