/// Dates as S3 prints and reads them, without a calendar library.
///
/// Printing: ISO 8601 with milliseconds in documents, RFC 9110's IMF-fixdate in headers. Reading: those, RFC 850's and asctime's forms,
/// which RFC 9110 (section 5.6.7) asks every recipient to accept. The civil calendar is Howard Hinnant's `civil_from_days`.
enum S3Date {
    static let secondsPerDay: Int64 = 86_400

    /// Year, month (1…12) and day (1…31) of a count of days since 1970-01-01.
    static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    /// Days since 1970-01-01 of a civil date.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` for milliseconds since 1970; fractions of a second are dropped.
    static func httpDate(milliseconds: UInt64) -> String {
        let seconds = Int64(milliseconds / 1000)
        let date = civil(fromDays: seconds / secondsPerDay)
        let second = seconds % secondsPerDay
        return String(unsafeUninitializedCapacity: 29) { buffer in
            var text = FixedText(buffer)
            text.put(weekdays[Int((seconds / secondsPerDay + 4) % 7)])
            text.put(", ")
            text.put(date.day, digits: 2)
            text.put(" ")
            text.put(months[Int(date.month - 1)])
            text.put(" ")
            text.put(date.year, digits: 4)
            text.put(" ")
            text.put(second / 3600, digits: 2)
            text.put(":")
            text.put(second / 60 % 60, digits: 2)
            text.put(":")
            text.put(second % 60, digits: 2)
            text.put(" GMT")
            return text.count
        }
    }

    static let weekdays: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    static let months: [StaticString] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Length of what ``write(iso8601:into:)`` writes, for years up to 9999.
    static let iso8601Length = 24

    /// Writes `2009-10-12T17:50:30.000Z` for milliseconds since 1970 and returns its length.
    static func write(iso8601 milliseconds: UInt64, into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let seconds = Int64(milliseconds / 1000)
        let date = civil(fromDays: seconds / secondsPerDay)
        let second = seconds % secondsPerDay
        var text = FixedText(buffer)
        text.put(date.year, digits: 4)
        text.put("-")
        text.put(date.month, digits: 2)
        text.put("-")
        text.put(date.day, digits: 2)
        text.put("T")
        text.put(second / 3600, digits: 2)
        text.put(":")
        text.put(second / 60 % 60, digits: 2)
        text.put(":")
        text.put(second % 60, digits: 2)
        text.put(".")
        text.put(Int64(milliseconds % 1000), digits: 3)
        text.put("Z")
        return text.count
    }

    static func iso8601(milliseconds: UInt64) -> String {
        String(unsafeUninitializedCapacity: iso8601Length) { write(iso8601: milliseconds, into: $0) }
    }

    // MARK: Reading

    /// Seconds since 1970 of a date in any of the forms S3 clients send; nil when it is none of them. Fractions are dropped.
    static func seconds(_ text: String) -> Int64? {
        var scanner = DateScanner(text)
        return scanner.isISO8601 ? scanner.iso8601() : scanner.httpDate()
    }
}

/// Text of known length written into a buffer that has room for it; a date beyond the year 9999 is cut rather than overrunning.
private struct FixedText {
    let buffer: UnsafeMutableBufferPointer<UInt8>
    var count = 0

    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    mutating func put(_ text: StaticString) {
        text.withUTF8Buffer { for byte in $0 { put(byte: byte) } }
    }

    mutating func put(_ number: Int64, digits: Int) {
        var place: Int64 = 1
        for _ in 1..<digits { place *= 10 }
        while place > 0 {
            put(byte: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / place % 10))
            place /= 10
        }
    }

    private mutating func put(byte: UInt8) {
        guard count < buffer.count else { return }
        buffer[count] = byte
        count += 1
    }
}

/// Reads a date from left to right.
private struct DateScanner {
    let bytes: [UInt8]
    var index = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isISO8601: Bool { bytes.count >= 10 && bytes[4] == UInt8(ascii: "-") }

    mutating func iso8601() -> Int64? {
        guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2) else { return nil }
        guard index < bytes.count else { return moment(year, month, day, 0, 0, 0) }
        guard skip("T") || skip(" "), let hour = number(2), skip(":"), let minute = number(2) else { return nil }
        let second = skip(":") ? number(2) : 0
        if skip(".") { while number(1) != nil {} }
        guard let second, let offset = zone(), index == bytes.count else { return nil }
        return moment(year, month, day, hour, minute, second).map { $0 - offset }
    }

    /// Seconds east of Greenwich: `Z`, `+hh:mm`, or nothing.
    private mutating func zone() -> Int64? {
        if index == bytes.count || skip("Z") { return 0 }
        let sign: Int64 = skip("+") ? 1 : skip("-") ? -1 : 0
        guard sign != 0, let hour = number(2) else { return nil }
        _ = skip(":")
        guard let minute = number(2) else { return nil }
        return sign * (hour * 3600 + minute * 60)
    }

    mutating func httpDate() -> Int64? {
        skipLetters()
        guard skip(",") else { return asctime() }
        guard skip(" "), let day = number(2) ?? number(1), skip(" ") || skip("-"), let month = month(), skip(" ") || skip("-") else {
            return nil
        }
        guard let year = year(), skip(" "), let time = time() else { return nil }
        guard skip(" GMT") || skip(" UTC") || skip(" +0000") || skip(" -0000"), index == bytes.count else { return nil }
        return moment(year, month, day, 0, 0, 0).map { $0 + time }
    }

    /// `Sun Nov  6 08:49:37 1994`, behind the name of the day.
    private mutating func asctime() -> Int64? {
        guard skip(" "), let month = month(), skip(" ") else { return nil }
        _ = skip(" ")
        guard let day = number(2) ?? number(1), skip(" "), let time = time(), skip(" "), let year = number(4), index == bytes.count else {
            return nil
        }
        return moment(year, month, day, 0, 0, 0).map { $0 + time }
    }

    /// Four digits, or RFC 850's two, which mean 1970 to 2069.
    private mutating func year() -> Int64? {
        if let year = number(4) { return year }
        return number(2).map { $0 < 70 ? $0 + 2000 : $0 + 1900 }
    }

    private mutating func time() -> Int64? {
        guard let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2) else { return nil }
        guard hour < 24, minute < 60, second <= 60 else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private func moment(_ year: Int64, _ month: Int64, _ day: Int64, _ hour: Int64, _ minute: Int64, _ second: Int64) -> Int64? {
        guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60 else { return nil }
        return S3Date.days(year: year, month: month, day: day) * S3Date.secondsPerDay + hour * 3600 + minute * 60 + second
    }

    private mutating func month() -> Int64? {
        for (position, name) in S3Date.months.enumerated() where skip(name) { return Int64(position) + 1 }
        return nil
    }

    private mutating func number(_ digits: Int) -> Int64? {
        guard index + digits <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[index..<index + digits] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        index += digits
        return value
    }

    private mutating func skip(_ text: StaticString) -> Bool {
        let matches = text.withUTF8Buffer { bytes[index...].starts(with: $0) }
        if matches { index += text.utf8CodeUnitCount }
        return matches
    }

    private mutating func skipLetters() {
        while index < bytes.count, bytes[index] | 0x20 >= UInt8(ascii: "a"), bytes[index] | 0x20 <= UInt8(ascii: "z") { index += 1 }
    }
}
