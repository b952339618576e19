import Glibc
import Synchronization

/// The terminal while it shows a display: no echo, no lines of its own, its size; given back as it was.
final class Terminal: Sendable {
    private let saved: Mutex<termios?>

    /// Nil when input or output is no terminal.
    init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return nil }
        var mode = termios()
        guard tcgetattr(STDIN_FILENO, &mode) == 0 else { return nil }
        saved = Mutex(mode)
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
        // Signals of keys stay: Ctrl-C ends the program as always.
        guard tcsetattr(STDIN_FILENO, TCSANOW, &mode) == 0 else { return nil }
        // The alternate screen, so that what stood there before comes back; the cursor hidden while it is drawn.
        StandardOutput.write("\u{1B}[?1049h\u{1B}[2J")
    }

    /// Gives the terminal back. Idempotent.
    func restore() {
        saved.withLock { saved in
            guard var mode = saved else { return }
            saved = nil
            StandardOutput.write("\u{1B}[?1049l\u{1B}[?25h")
            _ = tcsetattr(STDIN_FILENO, TCSANOW, &mode)
        }
    }

    /// Columns and rows; 80 and 24 when it does not say.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Whether colours are wanted: not when `NO_COLOR` says so, as everywhere, nor on a terminal that has none.
    static var isColoured: Bool {
        if let value = getenv("NO_COLOR"), value.pointee != 0 { return false }
        guard let term = getenv("TERM") else { return false }
        return String(cString: term) != "dumb"
    }

    /// Draws lines over what was there, in one write, the cursor behind the last.
    static func draw(_ lines: [String]) {
        StandardOutput.write("\u{1B}[?25l\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J\u{1B}[?25h")
    }

    /// Bytes of standard input, as they come; nil at its end. Blocks.
    static func read() -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            var taken: Int
            repeat { taken = Glibc.read(STDIN_FILENO, buffer.baseAddress, buffer.count) } while taken < 0 && errno == EINTR
            count = max(0, taken)
        }
        return bytes.isEmpty ? nil : bytes
    }
}
