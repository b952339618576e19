import Glibc
import SkerryGossip

/// Who a node of `skerry gossip` is, from one start to the next: the file `identity` of its directory, one line.
///
///     line = %s"skerry-gossip 1 " member " " starts LF    ; 16 hexadecimal digits; decimal
struct GossipIdentity: Sendable, Hashable {
    var member: MemberID
    /// Starts so far, this one included: the incarnation with which this life begins.
    var starts: UInt64

    private static let head = "skerry-gossip 1"
    private static let sizeMaximum = 256

    init(member: MemberID, starts: UInt64 = 1) {
        self.member = member
        self.starts = starts
    }

    /// A new one.
    static var random: GossipIdentity { GossipIdentity(member: MemberID(rawValue: .random(in: 1 ... .max))) }

    init?(_ text: String) {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 4, words[..<2].joined(separator: " ") == Self.head, words[2].count == 16,
            let member = UInt64(words[2], radix: 16), let starts = UInt64(words[3]), starts < 1 << 40
        else { return nil }
        self.init(member: MemberID(rawValue: member), starts: starts)
    }

    var text: String { "\(Self.head) \(member) \(starts)\n" }

    /// Reads the identity of a directory, counts this start, and writes it back; a directory without one gets a new one. The caller holds the directory's lock.
    static func begin(in directory: String) throws(CommandFailure) -> GossipIdentity {
        let path = directory + "/identity"
        var identity = random
        do throws(FileAccess.Failure) {
            guard let known = GossipIdentity(String(decoding: try FileAccess.read(path, limit: sizeMaximum), as: UTF8.self)) else {
                throw FileAccess.Failure(errno: EBADMSG)
            }
            identity = known
            identity.starts += 1
        } catch {
            if error.errno == EBADMSG {
                throw CommandFailure("\(path) is no identity of skerry gossip; choose another directory with --data")
            }
            guard error.isMissing else { throw CommandFailure("\(path): \(error.reason)") }
        }
        do throws(FileAccess.Failure) { try FileAccess.replace(path, with: Array(identity.text.utf8)) } catch {
            throw CommandFailure("\(path): \(error.reason)")
        }
        return identity
    }
}
