internal import SkerryMerge

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `bench-merge A B [OUTPUT]`: compares two files once and writes the unified form to OUTPUT, or to /dev/null.
///
/// Prints one line: milliseconds from before the first read to after the last write, hunks, bytes written, and the most KiB the process
/// ever held. One comparison a process, as git's is.
@main
enum BenchMerge {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 || arguments.count == 4 else {
            print("usage: bench-merge A B [OUTPUT]")
            exit(2)
        }
        let output = open(arguments.count == 4 ? arguments[3] : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        let start = now()
        guard output >= 0, let a = contents(arguments[1]), let b = contents(arguments[2]) else {
            print("bench-merge: cannot open the files")
            exit(1)
        }
        let source = TextLines(a), target = TextLines(b)
        let diff = source.diff(to: target)
        var written = 0
        UnifiedFormat(sourceName: arguments[1], targetName: arguments[2]).write(diff, from: source, to: target) { piece in
            written += max(0, write(output, piece.baseAddress, piece.count))
        }
        let milliseconds = Double(now() - start) / 1e6
        print("\(milliseconds) ms \(diff.hunks.count) hunks \(written) bytes \(residentMaximum()) KiB")
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Of this program alone: what `getrusage` says begins with the process that started it, except on Darwin.
    private static func residentMaximum() -> Int {
        #if canImport(Darwin)
        var usage = rusage()
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss / 1024
        #else
        let file = open("/proc/self/status", O_RDONLY)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        let status = [UInt8](unsafeUninitializedCapacity: 8192) { buffer, initialized in
            initialized = max(0, read(file, buffer.baseAddress, buffer.count))
        }
        let line = status.split(separator: 10).first { $0.starts(with: "VmHWM:".utf8) } ?? []
        return Int(String(decoding: line.filter { (0x30...0x39).contains($0) }, as: UTF8.self)) ?? 0
        #endif
    }

    private static func contents(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY)
        var status = stat()
        guard file >= 0, fstat(file, &status) == 0 else { return nil }
        defer { close(file) }
        let size = Int(status.st_size)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            while initialized < size, let base = buffer.baseAddress {
                let count = read(file, base + initialized, size - initialized)
                guard count > 0 else { return }
                initialized += count
            }
        }
    }
}
