import Glibc
import Logging
import SkerryCodec

/// Writes each event as one line to standard error: time, level, message, then the metadata sorted by key.
///
/// ```
/// 2026-01-31T23:59:59.042Z info    serving HTTP address=127.0.0.1:9000
/// ```
///
/// A line goes out in one `write`, so lines of several threads never mix. Values that hold blanks, quotes or control characters are
/// quoted, so that nothing a client sends can forge a line.
struct StandardErrorHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(level: Logger.Level) { logLevel = level }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let line = Array(self.line(for: event, at: .now).utf8)
        line.withUnsafeBytes { buffer in
            // A log that cannot be written has nobody left to tell.
            _ = write(STDERR_FILENO, buffer.baseAddress, buffer.count)
        }
    }

    /// The whole line with its line break.
    func line(for event: LogEvent, at time: Timestamp) -> String {
        let level = event.level.rawValue
        var line = "\(time) \(level)" + String(repeating: " ", count: max(1, 8 - level.count)) + "\(event.message)"
        for (key, value) in merged(with: event).sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(StandardErrorHandler.quoted("\(value)"))"
        }
        return line + "\n"
    }

    private func merged(with event: LogEvent) -> Logger.Metadata {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { _, new in new } }
        if let given = event.metadata { merged.merge(given) { _, new in new } }
        if let error = event.error { merged["error"] = "\(error)" }
        return merged
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.unicodeScalars.allSatisfy { $0 > " " && $0 != "\"" && $0 != "\\" && $0 != "\u{7F}" }
        return isPlain ? value : (try? JSON.text(value)) ?? "\"\""
    }
}
