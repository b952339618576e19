import Glibc

/// A moment in UTC as text, without a calendar library: `2026-01-31T23:59:59.042Z`.
///
/// The date comes from the count of days by the civil-from-days computation of the proleptic Gregorian calendar: years begin in March,
/// so that the leap day is the last day of a year, and 400 years have 146,097 days.
struct Timestamp: Sendable, Hashable, CustomStringConvertible {
    /// Milliseconds since 1970.
    var milliseconds: UInt64

    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000)
    }

    var description: String {
        let seconds = milliseconds / 1000
        let (year, month, day) = Timestamp.date(daysSince1970: seconds / 86_400)
        return [
            padded(year, 4), "-", padded(month, 2), "-", padded(day, 2),
            "T", padded(seconds / 3600 % 24, 2), ":", padded(seconds / 60 % 60, 2), ":", padded(seconds % 60, 2),
            ".", padded(milliseconds % 1000, 3), "Z",
        ].joined()
    }

    private static func date(daysSince1970 days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        // Days since 0000-03-01.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // Months of 31, 30, 31, 30, 31 days repeat from March: 153 days each five.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private func padded(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
