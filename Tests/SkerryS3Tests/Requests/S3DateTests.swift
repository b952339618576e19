import Testing

@testable import SkerryS3

@Suite("Dates") struct S3DateTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_000, "1994-11-06T08:49:37.000Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z", "Tue, 29 Feb 2000 12:34:56 GMT"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z", "Sun, 28 Feb 2100 23:59:59 GMT"),
        ] as [(UInt64, String, String)])
    func `moments are printed in both forms and read back`(_ milliseconds: UInt64, _ iso: String, _ http: String) {
        #expect(S3Date.iso8601(milliseconds: milliseconds) == iso)
        #expect(S3Date.httpDate(milliseconds: milliseconds) == http)
        #expect(S3Date.seconds(iso) == Int64(milliseconds / 1000))
        #expect(S3Date.seconds(http) == Int64(milliseconds / 1000))
    }

    @Test func `every day from 1970 to 2400 inverts`() {
        for day in 0..<157_000 as Range<Int64> {
            let date = S3Date.civil(fromDays: day)
            guard S3Date.days(year: date.year, month: date.month, day: date.day) == day else {
                Issue.record("day \(day)")
                return
            }
        }
    }

    @Test(arguments: [
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC", "1994-11-06T08:49:37Z",
        "1994-11-06T09:49:37+01:00", "1994-11-06T08:49:37.123456Z",
    ])
    func `other forms are read`(_ text: String) {
        #expect(S3Date.seconds(text) == 784_111_777)
    }

    @Test(arguments: [
        "", "yesterday", "Sun, 06 Nov 1994", "1994-13-01", "1994-11-06T25:00:00Z", "Sun, 06 Nov 1994 08:49:37 CET", "1994-11-06T08:49:37Zx",
        "-",
    ])
    func `anything else is none`(_ text: String) {
        #expect(S3Date.seconds(text) == nil)
    }
}
