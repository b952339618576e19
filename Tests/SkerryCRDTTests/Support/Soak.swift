import Foundation

enum Soak {
    static let isOn = ProcessInfo.processInfo.environment["SKERRY_SOAK"] == "1"

    /// How many cases to run: few in CI, many when asked for.
    static func count(_ usual: Int, soak: Int) -> Int { isOn ? soak : usual }
}
