import SkerryCRDT
import SkerryGossip
@testable import SkerryReplication
import SkerrySession
import Testing

/// What a power cut leaves of a replica that comes home.
@Suite("A power cut while a replica comes home", .timeLimit(.minutes(2)))
struct HomecomingCrashTests {
    private let time = TestTime()

    private func meet(_ left: Member, _ right: Member, rounds: Int = 6) throws {
        let session = try left.replica.start(with: right.replica)
        for _ in 0..<rounds {
            time.move(wall: 1_100, monotonic: 1_100)
            for member in [left, right] { _ = member.replica.tick() }
        }
        session.close()
    }

    /// A returner that was restored from a copy, and that alone has what a member wrote which nobody meets again, and what it wrote itself.
    ///
    /// - Returns: whether the power failed.
    private func comesHome(cutAfter commits: Int) throws -> Bool {
        let (host, returner, gone) = (try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time))
        for member in [returner, gone] { try meet(host, member) }
        try meet(host, returner)
        try host.node.model.set("shared", to: "old")
        try meet(host, returner)
        try gone.node.model.set("underway", to: "of a live member")
        try gone.node.events.append("of a live member")
        // It made somebody a member, too, of which nobody else has heard.
        try meet(gone, try Member(4, time: time))
        try meet(gone, returner)
        try returner.node.model.set("mine", to: "of the returner")
        try returner.node.events.append("of the returner")
        try returner.node.model.set("shared", to: "mine")
        try host.node.model.set("shared", to: "new")

        returner.replica.renew()
        returner.engine.cut(after: commits)
        try meet(host, returner)
        let wasCut = returner.engine.isOff
        try returner.restart()
        try meet(host, returner)
        try meet(host, returner)
        for member in [host, returner] {
            let name = "cut after \(commits): \(member.replica.identity.origin)"
            #expect(member.replica.membership?.isMember == true, "\(name) is no member")
            #expect(member.replica.membership?.members.contains { $0.origin.rawValue == 4 } == true, "\(name)")
            #expect(member.node.model["underway"] == "of a live member", "\(name)")
            #expect(member.node.model["mine"] == "of the returner", "\(name)")
            #expect(member.node.model["shared"] == host.node.model["shared"], "\(name)")
            #expect(member.node.events.events().map(\.value) == ["of a live member"], "\(name)")
            try member.restart()
            #expect(member.node.model["underway"] == "of a live member" && member.node.model["mine"] == "of the returner", "\(name)")
        }
        // Its own event may have been seen by others, and would stand there twice: somebody decides.
        let conflicts = returner.replica.conflicts.map { (String(decoding: $0.entry.key, as: UTF8.self), $0.part) }
        #expect(conflicts.contains { $0.1 == "events" }, "cut after \(commits): \(conflicts)")
        return wasCut
    }

    @Test("T-06: at every commit: nothing that only the returner has is lost, neither its own nor what it has of a member that is gone")
    func everyCommit() throws {
        var cuts = 0
        while try comesHome(cutAfter: cuts) {
            cuts += 1
            try #require(cuts < 200)
        }
        #expect(cuts > 5, "the power failed \(cuts) times")
    }
}
