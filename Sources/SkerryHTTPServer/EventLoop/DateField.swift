internal import Glibc

/// The value of the `Date` field, made anew when the second changes.
///
/// Format: IMF-fixdate of RFC 9110 section 5.6.7, `Sun, 06 Nov 1994 08:49:37 GMT`, always 29 bytes.
struct DateField {
    private var second: time_t = -1
    private var bytes: [UInt8] = []

    /// The value for this second.
    mutating func value() -> [UInt8] {
        let now = time(nil)
        if now != second {
            second = now
            bytes = Self.format(now)
        }
        return bytes
    }

    static func format(_ seconds: time_t) -> [UInt8] {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(29)
        bytes.append(contentsOf: dayNames[Int(parts.tm_wday)].utf8)
        bytes.append(contentsOf: ", ".utf8)
        bytes.append(twoDigits: parts.tm_mday)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: monthNames[Int(parts.tm_mon)].utf8)
        bytes.append(UInt8(ascii: " "))
        let year = parts.tm_year + 1900
        bytes.append(twoDigits: year / 100)
        bytes.append(twoDigits: year % 100)
        bytes.append(UInt8(ascii: " "))
        bytes.append(twoDigits: parts.tm_hour)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(twoDigits: parts.tm_min)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(twoDigits: parts.tm_sec)
        bytes.append(contentsOf: " GMT".utf8)
        return bytes
    }

    private static let dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

extension [UInt8] {
    fileprivate mutating func append(twoDigits number: CInt) {
        append(UInt8(ascii: "0") + UInt8(number / 10))
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
