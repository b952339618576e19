/// Host and port as they are written on the command line: `127.0.0.1:9000`, `localhost:9000`, `[::1]:9000`.
struct ListenAddress: Sendable, Hashable, LosslessStringConvertible {
    /// Without brackets.
    var host: String
    /// 0: the system chooses.
    var port: Int

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            // An IPv6 address without brackets: nobody can tell where it ends.
            return nil
        }
        guard !host.isEmpty, !host.contains(where: \.isWhitespace) else { return nil }
        self.host = String(host)
        self.port = Int(port)
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
