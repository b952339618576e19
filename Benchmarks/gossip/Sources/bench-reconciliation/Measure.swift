import Glibc

enum Measure {
    /// CPU time of this process, milliseconds.
    static func cpu() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1_000_000
    }

    /// Resident memory, bytes.
    static func resident() -> Int {
        guard let handle = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(handle) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, handle) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return Int(fields[1])! * Int(getpagesize())
    }

    /// - Parameter bar: the most it may be.
    static func figure(_ name: String, _ value: Double, _ unit: String, bar: Double? = nil) {
        let rounded = (value * 1000).rounded() / 1000
        guard let bar else {
            print("figure gossip.reconciliation-\(name) \(rounded) \(unit)")
            return
        }
        print("figure gossip.reconciliation-\(name) \(rounded) \(unit) bar <= \(bar) \(value <= bar ? "ok" : "short")")
    }

    static func check(_ condition: Bool, _ what: String) {
        if !condition {
            print("wrong: \(what)")
            exit(1)
        }
    }
}
