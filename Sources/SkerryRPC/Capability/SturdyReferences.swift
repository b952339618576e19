internal import Crypto
import SkerryCSP
public import SkerryWire

/// Gives objects to those who know the secret of a sturdy reference.
public protocol SturdyGate: Sendable {
    /// The object that the secret stands for.
    ///
    /// - Throws: ``CallError`` with code ``CallError/Code/denied`` when it stands for nothing, not any more, or was revoked: the three look alike.
    func enter(_ secret: [UInt8]) async throws -> Reference
}

/// The sturdy references a node has given out: which secret stands for which service of a registry, and until when.
///
/// Secrets are kept as their SHA-256 only, so a copy of the table opens nothing. Write ``records`` down and give them to ``restore(_:)`` after a
/// restart, and the references go on to hold: they name services, not objects.
///
/// The gate stands in the registry under ``gateName``; ``SturdyReference/enter(_:)`` finds it there.
public final class SturdyReferences: SturdyGate {
    /// The name of the gate in the registry.
    public static let gateName = "sturdy"
    /// Most references given out at once.
    public static let countMaximum = 65_536

    /// What is kept of one reference.
    public struct Record: Sendable, Hashable {
        /// SHA-256 of the secret: 32 bytes.
        public var hash: [UInt8]
        /// The service in the registry, which may be a private one.
        public var service: String
        /// Milliseconds since 1970; nil for ever.
        public var expiry: Int64?

        public init(hash: [UInt8], service: String, expiry: Int64?) {
            self.hash = hash
            self.service = service
            self.expiry = expiry
        }
    }

    private let registry: Registry
    private let node: NodeKey.Hash
    private let address: LinkAddress
    private let wallClock: @Sendable () -> Int64
    private let state = Locked([[UInt8]: Record]())

    /// Puts the gate into `registry`.
    ///
    /// - Parameters:
    ///   - node: the key that this node's links prove.
    ///   - address: where others reach it.
    ///   - wallClock: milliseconds since 1970.
    /// - Throws: ``CallError`` when the registry is full.
    public init(
        _ registry: Registry, node: NodeKey.Hash, at address: LinkAddress, wallClock: (@Sendable () -> Int64)? = nil
    ) throws(CallError) {
        self.registry = registry
        self.node = node
        self.address = address
        self.wallClock = wallClock ?? { calendarMilliseconds() }
        try registry.add(Self.gateName, SturdyGateService.reference(to: self))
    }

    /// Gives out the right to the service `name` of the registry, for `lifetime` or for ever.
    ///
    /// - Throws: ``CallError`` with code `overloaded` when ``countMaximum`` are out.
    public func issue(_ name: String, lifetime: Duration? = nil) throws(CallError) -> SturdyReference {
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<SturdyReference.secretBytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let now = wallClock()
        let record = Record(hash: Self.hash(secret), service: name, expiry: lifetime.map { now + Int64($0 / .milliseconds(1)) })
        try state.withLock { records throws(CallError) in
            if records.count >= Self.countMaximum { records = records.filter { $0.value.isAlive(now) } }
            guard records.count < Self.countMaximum else {
                throw CallError(.overloaded, "\(Self.countMaximum) sturdy references are out")
            }
            records[record.hash] = record
        }
        return SturdyReference(node: node, address: address, secret: secret)
    }

    /// Takes the right back. Objects that were entered for stay with their holders. False when there was none.
    @discardableResult
    public func revoke(_ reference: SturdyReference) -> Bool {
        state.withLock { $0.removeValue(forKey: Self.hash(reference.secret)) != nil }
    }

    /// Lets the right last for `lifetime` from now. False when it has ended already.
    public func renew(_ reference: SturdyReference, lifetime: Duration) -> Bool {
        let now = wallClock()
        return state.withLock { records in
            guard var record = records[Self.hash(reference.secret)], record.isAlive(now) else { return false }
            record.expiry = now + Int64(lifetime / .milliseconds(1))
            records[record.hash] = record
            return true
        }
    }

    /// What to write down, in no secret's way: by hash.
    public var records: [Record] {
        let now = wallClock()
        return state.withLock { records in
            records.values.filter { $0.isAlive(now) }.sorted { $0.hash.lexicographicallyPrecedes($1.hash) }
        }
    }

    /// Takes back what was written down.
    public func restore(_ records: [Record]) {
        state.withLock { table in for record in records { table[record.hash] = record } }
    }

    public func enter(_ secret: [UInt8]) async throws -> Reference {
        let now = wallClock()
        let hash = Self.hash(secret)
        let record = state.withLock { records in
            if let record = records[hash], record.isAlive(now) { return record as Record? }
            records[hash] = nil
            return nil
        }
        guard let record else { throw CallError(.denied, "the sturdy reference is not known here") }
        return try await registry.local.get(record.service)
    }

    private static func hash(_ secret: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: secret)) }
}

extension SturdyReferences.Record {
    fileprivate func isAlive(_ now: Int64) -> Bool { expiry.map { now < $0 } ?? true }
}

extension SturdyReference {
    /// The object, over a session with the node that hosts it: one round trip.
    ///
    /// - Throws: ``CallError`` with code ``CallError/Code/denied`` when the session's peer is another node, which then does not learn the secret, or when
    ///   the right has ended.
    public func enter(_ session: Session) async throws -> Reference {
        guard session.peer?.key == node else {
            throw CallError(.denied, "the peer does not prove the key that the sturdy reference names")
        }
        return try await session.root.promise.get(SturdyGateService.self, SturdyReferences.gateName).enter(secret)
    }
}
