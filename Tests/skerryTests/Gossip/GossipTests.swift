import SkerryCodec
import SkerryGossip
import SkerryReplication
import SkerryRocksDB
import Testing

@testable import skerry

@Suite("skerry gossip, what is typed and shown")
struct GossipTests {
    // MARK: Lines

    @Test("lines are commands, empty ones and remarks are none")
    func lines() throws {
        #expect(try GossipLine("set plan sail at  dawn ") == .set(key: "plan", value: "sail at  dawn "))
        #expect(try GossipLine("  set plan x") == .set(key: "plan", value: "x"))
        #expect(try GossipLine("unset plan") == .unset(key: "plan"))
        #expect(try GossipLine("get ключ") == .get(key: "ключ"))
        #expect(try GossipLine("keys ") == .keys)
        #expect(try GossipLine("exit") == .quit)
        for text in ["", "   ", "# set a b"] { #expect(try GossipLine(text) == nil) }
    }

    @Test(
        "what is no command says what would be one",
        arguments: [
            ("set a", "set KEY VALUE"), ("get", "get KEY"), ("get a b", "get KEY"), ("keys all", "nothing behind it"), ("fly", "try help"),
            ("set " + String(repeating: "k", count: 256) + " v", "255 bytes"),
            ("set k " + String(repeating: "v", count: 4_097), "4096 bytes"),
        ])
    func failures(text: String, said: String) {
        do throws(GossipLine.Failure) {
            _ = try GossipLine(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.message.contains(said))
        }
    }

    @Test("keys that are typed make lines: characters go whole, words and lines too, arrows do nothing")
    func editor() {
        var editor = LineEditor()
        func type(_ bytes: [UInt8]) -> [LineEditor.Step] { bytes.map { editor.type($0) }.filter { $0 != .edited } }
        #expect(type(Array("set é".utf8)).isEmpty && editor.text == "set é")
        #expect(type([0x7F]).isEmpty && editor.text == "set ")
        #expect(type([0x1B, 0x5B, 0x31, 0x3B, 0x35, 0x43] + Array("a b".utf8)).isEmpty && editor.text == "set a b")
        #expect(type([0x17]).isEmpty && editor.text == "set a ")
        #expect(type([0x04]).isEmpty)
        #expect(type([0x0D]) == [.line("set a ")] && editor.text == "")
        #expect(type(Array("abc".utf8) + [0x15]).isEmpty && editor.text == "")
        #expect(type([0x04]) == [.end])
        _ = type(Array(repeating: 0x61, count: 20_000))
        #expect(editor.text.count == GossipLine.lineMaximum)
    }

    // MARK: Text

    @Test("control characters and turned writing of others are replaced, what is long is cut")
    func text() {
        #expect(GossipText.shown("a\u{1B}[2Jb\u{202E}c\n") == "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}")
        #expect(GossipText.shown("plan", width: 4) == "plan")
        #expect(GossipText.shown("plans", width: 4) == "pla…")
        #expect(GossipText.time(.microseconds(310)) == "310 µs")
        #expect(GossipText.time(.microseconds(2_150)) == "2.1 ms")
        #expect(GossipText.time(.milliseconds(250)) == "250 ms")
        #expect(GossipText.time(.seconds(4.36)) == "4.3 s")
        #expect(GossipText.time(.seconds(130)) == "2 min")
        #expect(GossipText.time(.seconds(-1)) == "0 µs")
    }

    // MARK: The display

    private static func member(_ number: UInt64, _ status: MemberStatus, isSelf: Bool = false) -> MemberView {
        MemberView(
            id: MemberID(rawValue: number), name: "peer-\(number)", address: "127.0.0.1:\(7000 + number)", status: status,
            incarnation: number,
            isSelf: isSelf, silence: isSelf ? nil : .milliseconds(200), roundTrip: isSelf ? nil : .microseconds(310), applied: [])
    }

    private static func view(_ members: [MemberView], rows: [GossipView.Row] = []) -> GossipView {
        GossipView(
            name: "peer-1", address: "127.0.0.1:7001", members: members, rows: rows,
            digest: GossipDigest(board: "00", entries: 3, origins: 1),
            linked: [MemberID(rawValue: 2)], unreached: [])
    }

    @Test("members and board stand in columns, the prompt at the bottom")
    func display() {
        let view = Self.view(
            [Self.member(1, .alive, isSelf: true), Self.member(2, .suspect), Self.member(3, .dead)],
            rows: [GossipView.Row(key: "plan", value: "sail\u{1B}[31m", author: "peer-2")])
        let screen = GossipScreen(columns: 90, rows: 24, isColoured: false)
        #expect(
            screen.lines(view, answers: ["an answer"], input: "set a").joined(separator: "\n") == """
                skerry gossip  peer-1  127.0.0.1:7001  1 alive, 1 suspect, 1 dead

                   NAME    ADDRESS         STATE    INC   HEARD  ROUND TRIP  ENTRIES
                *  peer-1  127.0.0.1:7001  alive      1       -           -        3
                =  peer-2  127.0.0.1:7002  suspect    2  200 ms      310 µs        0
                   peer-3  127.0.0.1:7003  dead       3  200 ms      310 µs        0

                  KEY   VALUE      BY
                  plan  sail\u{FFFD}[31m  peer-2

                an answer
                > set a
                """)
        let coloured = GossipScreen(columns: 90, rows: 24, isColoured: true).lines(view, answers: [], input: "")
        #expect(coloured.contains { $0.hasPrefix("\u{1B}[33m=  peer-2") && $0.hasSuffix("\u{1B}[0m") })
    }

    @Test(
        "whatever the size of the terminal, no line is wider and there are no more of them",
        arguments: [(10, 3), (20, 5), (80, 24), (200, 60)])
    func sizes(columns: Int, rows: Int) {
        let members = (1...40).map { Self.member(UInt64($0), $0 % 5 == 0 ? .dead : .alive, isSelf: $0 == 1) }
        let board = (0..<100).map { GossipView.Row(key: "key-\($0)", value: String(repeating: "v", count: 300), author: "peer") }
        let lines = GossipScreen(columns: columns, rows: rows, isColoured: false)
            .lines(Self.view(members, rows: board), answers: (0..<20).map { "answer \($0)" }, input: String(repeating: "i", count: 500))
        #expect(lines.count <= rows)
        #expect(lines.allSatisfy { $0.count <= columns })
        #expect(lines.last?.hasPrefix("> ") == true)
    }

    // MARK: Changes

    @Test("a program hears of each change once: members that come, turn and go, values that are written and taken off")
    func changes() throws {
        let old = Self.view(
            [Self.member(1, .alive, isSelf: true), Self.member(2, .alive)],
            rows: [.init(key: "a", value: "1", author: ""), .init(key: "b", value: "2", author: "")])
        let new = Self.view(
            [Self.member(1, .alive, isSelf: true), Self.member(2, .dead), Self.member(3, .alive)],
            rows: [.init(key: "a", value: "1", author: ""), .init(key: "c", value: "3", author: "peer-2")])
        let changes = GossipChange.between(old, and: new)
        #expect(
            changes == [
                .member(Self.member(2, .dead)), .member(Self.member(3, .alive)), .row(key: "c", value: "3", author: "peer-2"),
                .row(key: "b", value: nil, author: ""),
            ])
        #expect(GossipChange.between(new, and: new).isEmpty)
        #expect(GossipChange.between(nil, and: old).count == 4)
        let lines = changes.map { GossipPrinter(isJSON: true).change($0, new) }
        #expect(lines[0].contains(#""state":"dead""#) && lines[3] == #"{"event":"board","key":"b","value":null,"by":""}"# + "\n")
        #expect(lines.allSatisfy { $0.count { $0 == "\n" } == 1 })
    }

    // MARK: Identity

    @Test("an identity is read as it was written, and anything else is none")
    func identity() {
        let identity = GossipIdentity(member: MemberID(rawValue: 0xAB), starts: 7)
        #expect(identity.text == "skerry-gossip 1 00000000000000ab 7\n")
        #expect(GossipIdentity(identity.text) == identity)
        for text in [
            "", "skerry-gossip 2 00000000000000ab 7", "skerry-gossip 1 ab 7", "skerry-gossip 1 00000000000000ab",
            "skerry-gossip 1 00000000000000ab -1",
        ] {
            #expect(GossipIdentity(text) == nil)
        }
    }

    @Test("a directory keeps its identity and counts its starts")
    func starts() throws {
        try withTemporaryDirectory { directory in
            let first = try GossipIdentity.begin(in: directory)
            let second = try GossipIdentity.begin(in: directory)
            #expect(first.starts == 1 && second == GossipIdentity(member: first.member, starts: 2))
            try FileAccess.replace(directory + "/identity", with: Array("something else".utf8))
            #expect(throws: CommandFailure.self) { try GossipIdentity.begin(in: directory) }
        }
    }
}
