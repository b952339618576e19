import Glibc

/// What the operating system says of this process. Each read is a system call or a small file of /proc, which never waits for a disk.
struct ProcessFigures: Sendable {
    /// Resident memory, bytes; 0 where there is no /proc.
    var residentBytes: UInt64
    /// Processor time of all threads, seconds.
    var processorSeconds: Double

    static func now() -> ProcessFigures {
        ProcessFigures(residentBytes: residentPages * UInt64(sysconf(CInt(_SC_PAGESIZE))), processorSeconds: processorTime)
    }

    private static var residentPages: UInt64 {
        guard let bytes = try? FileAccess.read("/proc/self/statm", limit: 4096) else { return 0 }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? UInt64(fields[1]) ?? 0 : 0
    }

    private static var processorTime: Double {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }
}
