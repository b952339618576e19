import Glibc

enum Measure {
    /// CPU time of this process, milliseconds.
    static func cpu() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1_000_000
    }

    /// The median over runs; what the body returns is kept alive until after the clock was read.
    static func median<R, E: Error>(runs: Int, _ body: () throws(E) -> R) throws(E) -> (milliseconds: Double, last: R) {
        var times: [Double] = []
        var last: R?
        for _ in 0..<runs {
            last = nil
            let start = cpu()
            last = try body()
            times.append(cpu() - start)
            // What takes long is measured once.
            if times[0] > 2000 { break }
        }
        return (times.sorted()[times.count / 2], last!)
    }

    /// Resident memory, MiB.
    static func resident() -> Double {
        guard let handle = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(handle) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, handle) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return Double(Int(fields[1])! * Int(getpagesize())) / 1_048_576
    }

    static func check(_ condition: Bool, _ what: String) {
        if !condition {
            print("wrong: \(what)")
            exit(1)
        }
    }
}
