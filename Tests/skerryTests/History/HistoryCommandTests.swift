import SkerryMerge
import SkerryReplication
import SkerryRocksDB
import SkerryWire
import Testing

@testable import skerry

@Suite("Histories on the command line")
struct HistoryCommandTests {
    private func path(_ bytes: [[UInt8]]) -> FilePath { FilePath(names: bytes)! }

    @Test("what a work tree stands on comes back from its file, with paths of any bytes")
    func head() throws {
        let id = try #require(ObjectID(hex: String(repeating: "a1", count: 32)))
        var head = WorkTreeHead(branch: "side/work", commit: id)
        #expect(WorkTreeHead(encoded: head.encoded) == head)
        head.merge = WorkTreeHead.Merge(
            other: id, name: "origin/some branch", conflicts: [path([[0x0A, 0xFF]]), path([Array("d".utf8), Array("e f".utf8)])])
        #expect(WorkTreeHead(encoded: head.encoded) == head)
        head.merge?.isLaidOut = false
        #expect(WorkTreeHead(encoded: head.encoded) == head)
        head.isCommitting = true
        #expect(WorkTreeHead(encoded: head.encoded) == head)
        #expect(WorkTreeHead(encoded: WorkTreeHead(branch: nil).encoded) == WorkTreeHead(branch: nil))
    }

    @Test(
        "a damaged file of a work tree is refused",
        arguments: [
            "", "skerry work tree 2\n", "skerry work tree 1\nbranch a/../b\n", "skerry work tree 1\ncommit 12\n",
            "skerry work tree 1\nconflict 61\n", "skerry work tree 1\nfiles unfinished\n",
            "skerry work tree 1\ncommitting\n",
        ])
    func damagedHead(text: String) { #expect(WorkTreeHead(encoded: Array(text.utf8)) == nil) }

    @Test("the history of a directory takes nothing from a peer that a checkout would refuse")
    func reservedNames() throws {
        try withTemporaryDirectory { directory in
            let work = try WorkHistory(root: directory + "/tree", creates: true)
            #expect(work.history.reservedNames == IgnoreRules.reservedNames)
            #expect(work.history.reservedNames.contains(Array(".skerry-history".utf8)))
        }
    }

    @Test("paths are quoted as git quotes them")
    func quoting() {
        let cases: [([UInt8], String)] = [
            (Array("plain name".utf8), "plain name"), (Array("\u{FC}".utf8), #""\303\274""#), ([0x61, 0x22, 0x5C], #""a\"\\""#),
            ([9, 10, 13, 1, 0x7F], #""\t\n\r\001\177""#), ([0xFF], #""\377""#),
        ]
        for (bytes, text) in cases { #expect(String(decoding: QuotedPath.bytes(bytes), as: UTF8.self) == text) }
    }

    @Test("conflict markers are seen where lines begin, and nowhere else")
    func markers() {
        #expect(ConflictText.hasMarkers(Array("a\n<<<<<<< x\n".utf8)))
        #expect(ConflictText.hasMarkers(Array("a\n>>>>>>> x".utf8)))
        #expect(!ConflictText.hasMarkers(Array("a <<<<<<< x\n=======\n<<<<<<<<<\n".utf8)))
    }

    @Test("a place is an address, a directory, a file or a pipe")
    func places() throws {
        #expect(try HistoryPlace("-", isTarget: false) == .bundle(nil))
        #expect(try HistoryPlace("/", isTarget: false) == .directory("/"))
        #expect(try HistoryPlace("[::1]:9760", isTarget: false) == .address(.init(host: "::1", port: 9760)))
        #expect(try HistoryPlace("/nowhere/new.bundle", isTarget: true) == .bundle("/nowhere/new.bundle"))
        #expect(throws: CommandFailure.self) { try HistoryPlace("/nowhere/old.bundle", isTarget: false) }
    }

    @Test("remotes come back from their file, and names that are none are refused")
    func remotes() throws {
        var remotes = Remotes()
        try remotes.set("origin", to: "127.0.0.1:9760")
        try remotes.set("disk", to: "/a path/with spaces")
        #expect(Remotes(encoded: remotes.encoded) == remotes)
        for bad in ["", "a b", "a/b", ".."] { #expect(throws: CommandFailure.self) { try remotes.set(bad, to: "x:1") } }
        try remotes.set("disk", to: nil)
        #expect(remotes.places.keys.sorted() == ["origin"])
    }

    @Test("a refusal ends with 1 and a failure with 128, in one line")
    func exitCodes() {
        #expect(CommandFailure(HistoryError(.notFastForward, "no")).status == 1)
        #expect(CommandFailure(HistoryError(.noChange, "no")).status == 1)
        #expect(CommandFailure(HistoryError(.corrupt, "no")).status == 128)
        #expect(CommandFailure(HistoryError(.disconnected, "no")).description == "skerry: no; the same command again goes on from there")
    }
}
