import ArgumentParser
import Testing

@testable import skerry

@Suite("Texts for people")
struct TextTests {
    @Test(
        "bytes have three digits and a unit, small ones are exact",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (10_240, "10.0 KiB"), (102_400, "100 KiB"),
            (1_023_000, "999 KiB"), (1_048_575, "1.0 MiB"), (1 << 30, "1.0 GiB"), (.max, "16.0 EiB"),
        ] as [(UInt64, String)])
    func bytes(count: UInt64, text: String) {
        #expect(ByteText(count).description == text)
    }

    @Test("columns are as wide as their widest cell, numbers stand to the right, no line ends in blanks")
    func table() {
        var table = TextTable(["NAME": .left, "COUNT": .right, "NOTE": .left])
        table.add("a-long-name", "7", "")
        table.add("b", "123456", "x")
        #expect(
            table.text == """
                NAME          COUNT  NOTE
                a-long-name       7
                b            123456  x

                """)
    }

    @Test("statistics show the store and then its buckets")
    func statistics() {
        #expect(
            StatisticsRecord.example.text == """
                STORE
                objects                       12
                versions                      14
                stored by clients       16.0 EiB
                distinct                 1.0 GiB
                waiting for collection       0 B
                packs on disk            1.5 GiB
                dedup ratio                  1.5

                BUCKET  OBJECTS  VERSIONS   STORED
                photos       12        14  2.0 GiB

                """)
    }

    @Test("a failure is one line whatever it was told")
    func failure() {
        #expect("\(CommandFailure("one\ntwo\r\nthree\n"))" == "skerry: one two three")
    }

    @Test("a verification lists its problems before the sum")
    func verification() {
        let report = VerificationRecord(records: 2, bytes: 10, versions: 1, problems: ["broken"], unlistedProblems: 0)
        #expect(report.text == "problem: broken\n1 versions, 2 records, 10 B: 1 problem\n")
    }

    @Test("problems that are not listed count, and make the store unsound")
    func unlisted() {
        let report = VerificationRecord(records: 2, bytes: 10, versions: 1, problems: ["a"], unlistedProblems: 4)
        #expect(report.text.hasSuffix(": 5 problems\n"))
        #expect(!report.isSound)
    }

    @Test(
        "user remove and key revoke want exactly one name",
        arguments: [
            ["user", "remove"], ["key", "revoke"], ["user", "remove", "a", "--id", "b"], ["key", "revoke", "a", "--access-key", "b"],
        ])
    func oneName(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try Skerry.parseAsRoot(arguments) }
    }
}
