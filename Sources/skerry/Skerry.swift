import ArgumentParser
import CMalloc
import Glibc

/// The program: arguments in, one of the commands, an exit code out.
@main
struct Skerry: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "skerry",
        abstract: "An S3-compatible object store whose unit of availability is the site.",
        version: "skerry \(version)",
        subcommands: [
            ServeCommand.self, KeyCommand.self, UserCommand.self, StatsCommand.self, VerifyCommand.self, CollectCommand.self,
            RebuildCommand.self, HistoryCommand.self,
            GossipCommand.self, VersionCommand.self,
        ])

    /// The file mode mask of whoever started the program: files of a work tree are theirs, not the store's. The first look takes it off.
    static let inheritedMask = umask(0o077)

    /// 0 when the command did what it says, 1 with one line on standard error when it could not, 64 when the arguments make no sense.
    static func main() async {
        tuneAllocator()
        // Credentials stand in the packs, the index and the log's neighbours: whatever is made belongs to its owner alone.
        _ = inheritedMask
        // A client that closes its connection is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            leave(0)
        } catch let failure as CommandFailure {
            StandardOutput.writeError("\(failure)\n")
            leave(failure.status)
        } catch let code as ExitCode {
            leave(code.rawValue)
        } catch {
            exit(withError: error)
        }
    }

    /// Ends the process without running what C++ libraries have put behind `main`: their destructors take away what background threads of the
    /// same libraries may still use. Everything that must be closed has been closed by then, and nothing is buffered.
    private static func leave(_ status: Int32) -> Never { _exit(status) }

    /// Bounds what the C library keeps of freed memory; must come before the first thread.
    ///
    /// By default glibc gives up to eight heaps for each core to threads, and each keeps its peak: a server that held many uploads would stay
    /// as large as they were. Two heaps are enough for the few threads that allocate at once. A fixed threshold for `mmap` stops glibc from raising it
    /// when large buffers are freed, so that buffers of 256 KiB and more go back to the system at once.
    private static func tuneAllocator() {
        let arenasMaximum: CInt = 2
        let mmapThreshold: CInt = 256 << 10
        _ = mallopt(M_ARENA_MAX, arenasMaximum)
        _ = mallopt(M_MMAP_THRESHOLD, mmapThreshold)
    }
}
