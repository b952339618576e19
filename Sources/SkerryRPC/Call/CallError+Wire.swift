import SkerryCodec
import SkerrySession

// How errors cross. `docs/formats/rpc.md` gives the numbers and the record beside the message.

extension CallFailure.Code {
    /// The registry knows no service of the name.
    static var noSuchService: Self { Self(rawValue: 64) }
    /// Binary arguments of another shape.
    static var digestMismatch: Self { Self(rawValue: 65) }
    /// A result that could not be written or read.
    static var badResult: Self { Self(rawValue: 66) }
}

extension CallError {
    private static let codes: [(CallFailure.Code, Code)] = [
        (.remote, .remote), (.timeout, .timeout), (.cancelled, .cancelled), (.peerLost, .peerLost), (.noSuchMethod, .noSuchMethod),
        (.noSuchReference, .noSuchReference), (.denied, .denied), (.overloaded, .overloaded), (.goingAway, .goingAway),
        (.brokenPromise, .brokenPromise), (.resultTooLarge, .badResult), (.noSuchService, .noSuchService),
        (.digestMismatch, .digestMismatch), (.badResult, .badResult),
    ]

    /// The error as the callee's session sends it.
    var failure: CallFailure {
        let number =
            code.argumentPosition != nil ? CallFailure.Code.badArgument : Self.codes.first { $0.1 == code }?.0 ?? .remote
        return CallFailure(number, message, maybeExecuted: maybeExecuted, retryAfter: retryAfter)
    }

    /// What the failure alone does not hold.
    var detail: FailureDetail {
        FailureDetail(service: service, method: method, path: path, position: code.argumentPosition ?? -1, promise: promise)
    }

    /// The error as the caller sees it.
    init(_ failure: CallFailure, _ payload: ServicePayload) {
        let detail = (try? payload.decode(FailureDetail.self)) ?? FailureDetail()
        let code =
            failure.code == .badArgument
            ? Code.badArgument(position: detail.position) : Self.codes.first { $0.0 == failure.code }?.1 ?? .remote
        self.init(
            code, failure.message, service: detail.service, method: detail.method, promise: detail.promise, path: detail.path,
            maybeExecuted: failure.maybeExecuted, retryAfter: failure.retryAfter)
    }

    /// The error for a call a session did not take, or broke off.
    init(_ error: SessionError, maybeExecuted: Bool) {
        let code: Code =
            switch error.code {
            case .mustWait: .overloaded
            case .goingAway: .goingAway
            case .closed: .closed
            case .unknownReference, .wrongKind: .noSuchReference
            case .tooLarge: .badArgument(position: -1)
            case .tooMany: .overloaded
            default: .peerLost
            }
        self.init(code, error.message, maybeExecuted: maybeExecuted)
    }
}

/// Where a failure lies, beside its code and its message.
struct FailureDetail: Shaped, Equatable {
    var service = ""
    var method = ""
    var path = ""
    var position = -1
    var promise = ""

    private static let fields = Fields(
        "FailureDetail",
        [
            Field("service", String.self, default: ""), Field("method", String.self, default: ""), Field("path", String.self, default: ""),
            Field("position", Int.self, default: -1), Field("promise", String.self, default: ""),
        ])

    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(service, 0, in: &record)
        try writer.field(method, 1, in: &record)
        try writer.field(path, 2, in: &record)
        try writer.field(position, 3, in: &record)
        try writer.field(promise, 4, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var service: String?
        var method: String?
        var path: String?
        var position: Int?
        var promise: String?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&service, in: record)
            case 1: try reader.field(&method, in: record)
            case 2: try reader.field(&path, in: record)
            case 3: try reader.field(&position, in: record)
            default: try reader.field(&promise, in: record)
            }
        }
        return Self(service: service ?? "", method: method ?? "", path: path ?? "", position: position ?? -1, promise: promise ?? "")
    }
}
