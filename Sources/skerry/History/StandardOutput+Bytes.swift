import Glibc

extension StandardOutput {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Writes bytes as they are.
    ///
    /// - Returns: false when the reader went away.
    @discardableResult
    static func write(bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { write($0) } }

    @discardableResult
    static func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}

/// Standard input in pieces.
enum StandardInput {
    /// Up to 64 KiB; nothing at the end.
    static func read() throws(CommandFailure) -> [UInt8] { try read(STDIN_FILENO) }

    static func read(_ descriptor: CInt) throws(CommandFailure) -> [UInt8] {
        var failure: CInt = 0
        let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
            var taken: Int
            repeat { taken = Glibc.read(descriptor, buffer.baseAddress, buffer.count) } while taken < 0 && errno == EINTR
            if taken < 0 { failure = errno }
            count = max(0, taken)
        }
        guard failure == 0 else { throw CommandFailure("cannot read: \(String(cString: strerror(failure)))", status: 128) }
        return piece
    }

    /// All of it.
    static func readAll(maximum: Int) throws(CommandFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try read()
            if piece.isEmpty { return bytes }
            bytes += piece
            guard bytes.count <= maximum else { throw CommandFailure("standard input has more than \(maximum) bytes", status: 128) }
        }
    }
}
