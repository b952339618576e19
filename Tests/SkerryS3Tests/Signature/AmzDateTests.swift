import Foundation
import Testing

@testable import SkerryS3

@Suite struct AmzDateTests {
    @Test(arguments: [
        ("19700101T000000Z", 0), ("20130524T000000Z", 1_369_353_600), ("20000229T235959Z", 951_868_799),
        ("20380119T031408Z", 2_147_483_648),
        ("99991231T235959Z", 253_402_300_799),
    ])
    func `the basic form is read and written back`(text: String, seconds: Int64) throws {
        let date = try #require(AmzDate(Array(text.utf8)))
        #expect(date.seconds == seconds)
        var written: [UInt8] = []
        date.appendBasic(to: &written)
        #expect(String(decoding: written, as: UTF8.self) == text)
    }

    @Test(arguments: [
        "Fri, 24 May 2013 00:00:00 GMT", "24 May 2013 00:00:00 GMT", "Friday, 24 May 2013 00:00:00 UTC", "Fri, 24 May 2013 00:00:00 +0000",
        "Fri, 24 May 2013 00:00:00 -0000",
    ])
    func `the HTTP date is read with what mail libraries make of it`(text: String) {
        #expect(AmzDate(Array(text.utf8)) == exampleDate)
    }

    @Test func `a day of one digit is read`() {
        #expect(AmzDate(Array("Wed, 1 May 2013 00:00:00 GMT".utf8)) == AmzDate(Array("20130501T000000Z".utf8)))
    }

    @Test(arguments: [
        "", "2013", "20130524T000000", "20130524 000000Z", "20130524T000000Z ", "20131324T000000Z", "20130532T000000Z", "20130229T000000Z",
        "19000101T000000Z", "20130524T240000Z", "20130524T006000Z", "20130524T000060Z", "2013052aT000000Z", "+2013524T000000Z",
        "Fri, 24 Mai 2013 00:00:00 GMT", "Fri, 24 May 2013 00:00:00 CET", "Fri, 24 May 2013 00:00:00", "Fri, 24 May 2013 00:00:00 GMT+1",
        "2013-05-24T00:00:00Z", "Fri,", ",",
    ])
    func `anything else is no date`(text: String) {
        #expect(AmzDate(Array(text.utf8)) == nil)
    }

    @Test func `days agree with the calendar over four centuries`() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        for day in stride(from: Int64(0), to: 146_097, by: 13) {
            let date = AmzDate(seconds: day * 86_400 + 86_399)
            let parts = calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSince1970: Double(date.seconds)))
            #expect(date.day == parts.year! * 10_000 + parts.month! * 100 + parts.day!)
            var text: [UInt8] = []
            date.appendBasic(to: &text)
            #expect(AmzDate(basic: text) == date)
        }
    }

    @Test func `the extended form has separators`() {
        #expect(exampleDate.iso8601 == "2013-05-24T00:00:00Z")
        #expect(AmzDate(seconds: 951_868_799).iso8601 == "2000-02-29T23:59:59Z")
    }
}
