/// The moment of a request: whole seconds since 1970, UTC.
///
/// Two spellings are read: ISO 8601 basic (`20130524T000000Z`), which Signature Version 4 uses, and the HTTP date of RFC 9110
/// (`Fri, 24 May 2013 00:00:00 GMT`), which the `Date` header has. Years 1970 to 9999; no leap second.
public struct AmzDate: Sendable, Hashable, Comparable {
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    public static func < (lhs: AmzDate, rhs: AmzDate) -> Bool { lhs.seconds < rhs.seconds }

    /// Reads either spelling; nil for anything else.
    public init?(_ text: some Collection<UInt8>) {
        guard let date = AmzDate(basic: text) ?? AmzDate(httpDate: text) else { return nil }
        self = date
    }

    /// Reads `yyyyMMdd'T'HHmmss'Z'`, exactly 16 bytes.
    public init?(basic text: some Collection<UInt8>) {
        guard text.count == 16 else { return nil }
        var field = DateFields(text)
        guard let year = field.number(digits: 4), let month = field.number(digits: 2), let day = field.number(digits: 2), field.skip("T"),
            let hour = field.number(digits: 2), let minute = field.number(digits: 2), let second = field.number(digits: 2), field.skip("Z")
        else { return nil }
        self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }

    /// Reads `EEE, dd MMM yyyy HH:mm:ss GMT`. The name of the day may be missing and is not compared with the date; the day may have one
    /// digit; `UTC`, `+0000` and `-0000` mean `GMT`, as mail libraries write it.
    public init?(httpDate text: some Collection<UInt8>) {
        var field = DateFields(text)
        field.skipDayName()
        guard let day = field.number(digits: 2) ?? field.number(digits: 1), field.skip(" "),
            let month = field.monthName(), field.skip(" "), let year = field.number(digits: 4), field.skip(" "),
            let hour = field.number(digits: 2), field.skip(":"), let minute = field.number(digits: 2), field.skip(":"),
            let second = field.number(digits: 2), field.skip(" "),
            field.skip("GMT") || field.skip("UTC") || field.skip("+0000") || field.skip("-0000"), field.isAtEnd
        else { return nil }
        self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }

    private init?(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        guard year >= 1970, (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year), hour < 24, minute < 60,
            second < 60
        else { return nil }
        seconds = Int64(Self.dayNumber(year: year, month: month, day: day)) * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        return switch month {
        case 2: isLeap ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap day is the last of its year,
    // and 400 years are one era of 146,097 days.

    /// Days since 1970-01-01 of a valid date from 1970 on.
    private static func dayNumber(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Year, month and day of this moment.
    private var civil: (year: Int, month: Int, day: Int) {
        let days = Int(seconds.quotientFloor(86_400)) + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    /// The day as the number `yyyyMMdd`, the date of a credential scope.
    var day: Int {
        let civil = civil
        return civil.year * 10_000 + civil.month * 100 + civil.day
    }

    /// `2013-05-24T00:00:00Z`, as S3's error documents have it.
    public var iso8601: String {
        let civil = civil
        let second = Int(seconds - seconds.quotientFloor(86_400) * 86_400)
        var text: [UInt8] = []
        text.appendDecimal(civil.year, digits: 4)
        text.append(UInt8(ascii: "-"))
        text.appendDecimal(civil.month, digits: 2)
        text.append(UInt8(ascii: "-"))
        text.appendDecimal(civil.day, digits: 2)
        text.append(UInt8(ascii: "T"))
        text.appendDecimal(second / 3_600, digits: 2)
        text.append(UInt8(ascii: ":"))
        text.appendDecimal(second / 60 % 60, digits: 2)
        text.append(UInt8(ascii: ":"))
        text.appendDecimal(second % 60, digits: 2)
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends `yyyyMMdd'T'HHmmss'Z'`.
    func appendBasic(to text: inout [UInt8]) {
        let second = Int(seconds - seconds.quotientFloor(86_400) * 86_400)
        text.appendDecimal(day, digits: 8)
        text.append(UInt8(ascii: "T"))
        text.appendDecimal(second / 3_600 * 10_000 + second / 60 % 60 * 100 + second % 60, digits: 6)
        text.append(UInt8(ascii: "Z"))
    }
}

extension Int64 {
    /// The quotient rounded down, so that moments before 1970 fall into the right day.
    fileprivate func quotientFloor(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension [UInt8] {
    /// Appends a number with leading zeros, at least `digits` long.
    fileprivate mutating func appendDecimal(_ number: Int, digits: Int) {
        var place = 1
        for _ in 1..<digits { place *= 10 }
        var rest = number
        while place > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / place % 10))
            rest %= place
            place /= 10
        }
    }
}

/// Reads a date from left to right.
private struct DateFields<Text: Collection<UInt8>> {
    private var rest: Text.SubSequence

    init(_ text: Text) { rest = text[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// Exactly `digits` digits; on nil nothing is consumed.
    mutating func number(digits: Int) -> Int? {
        let text = rest.prefix(digits)
        guard text.count == digits else { return nil }
        var number = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        rest = rest.dropFirst(digits)
        return number
    }

    /// Whether `text` comes next; consumed if so.
    mutating func skip(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { text in
            guard rest.starts(with: text) else { return false }
            rest = rest.dropFirst(text.count)
            return true
        }
    }

    mutating func skipDayName() {
        guard let comma = rest.prefix(10).firstIndex(of: UInt8(ascii: ",")) else { return }
        rest = rest[rest.index(after: comma)...].drop { $0 == UInt8(ascii: " ") }
    }

    mutating func monthName() -> Int? {
        let names: [StaticString] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        for (index, name) in names.enumerated() where skip(name) { return index + 1 }
        return nil
    }
}
