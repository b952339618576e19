import Glibc
import SkerryHTTP

/// An unlinked file that closes its descriptor when the last region of it was sent, and says so.
final class TestFile: Sendable {
    let descriptor: CInt
    private let closed: Event?
    private let closeResult: Journal<CInt>?

    init(_ bytes: [UInt8], closed: Event? = nil, closeResult: Journal<CInt>? = nil) throws {
        var template = Array("/tmp/skerry-http-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        unlink(template)
        self.closed = closed
        self.closeResult = closeResult
        var written = 0
        while written < bytes.count {
            written += bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    deinit {
        closeResult?.note(close(descriptor))
        if closeResult == nil { close(descriptor) }
        closed?.happen()
    }

    func region(_ offset: Int, _ count: Int) -> HTTPReply.FileRegion {
        HTTPReply.FileRegion(descriptor: descriptor, offset: UInt64(offset), count: count, owner: self)
    }
}
