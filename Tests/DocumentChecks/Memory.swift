import Foundation

/// What the process has in memory, bytes.
enum Memory {
    /// The most since ``resetPeak()``.
    static var peak: Int { field("VmHWM:") }
    static var now: Int { field("VmRSS:") }

    static func resetPeak() { try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .ascii) }

    private static func field(_ name: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .ascii)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        return (Int(line.split(separator: " ").dropFirst().first { $0.allSatisfy(\.isNumber) } ?? "") ?? 0) * 1024
    }
}
