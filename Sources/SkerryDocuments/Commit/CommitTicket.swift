import SkerryCRDT

/// One caller's wish that something be on disk.
struct CommitTicket: Sendable {
    enum Wish: Sendable, Hashable {
        /// What an open document has and the disk has not.
        case document(String)
        /// Where it says so, only while nothing is there that a version does not cover.
        case deletion(String, ifCoveredBy: CausalContext?)
        /// A snapshot in place of all that is on disk of the document.
        case adoption(String, Snapshot)
        /// Forgets the deletion of a name.
        case forgetting(String)
        /// New origin and writer.
        case epoch
        /// Gives back room on disk.
        case tidying
        /// Closes the storage; nothing comes after it.
        case closing

        /// The document concerned; nil for what stands alone.
        var name: String? {
            switch self {
            case .document(let name), .deletion(let name, _), .forgetting(let name), .adoption(let name, _): name
            case .epoch, .tidying, .closing: nil
            }
        }
    }

    /// A snapshot that was decoded once, and its version. Each is a wish of its own.
    final class Snapshot: Sendable, Hashable {
        let bytes: [UInt8]
        let version: CausalContext
        let highWater: HybridTimestamp

        init(_ bytes: [UInt8], of document: Document) {
            self.bytes = bytes
            version = document.version
            highWater = document.highWater
        }

        static func == (left: Snapshot, right: Snapshot) -> Bool { left === right }
        func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
    }

    /// What becomes of it.
    enum Answer: Sendable {
        /// Done; the version of the document that is on disk.
        case committed(CausalContext)
        /// It is first in line and nobody commits: the caller does, and then waits for the other promise.
        case lead(Promise<Answer>)
    }

    var wish: Wish
    var promise: Promise<Answer>
}
