import SkerryCSP
import SkerryRPC

/// What is measured.
// @Service
protocol Echo: Sendable {
    /// The same bytes.
    func echo(_ bytes: [UInt8]) async throws -> [UInt8]

    /// Does not answer.
    func sleep() async throws

    /// Sends so many elements of a size into a channel of the caller, and closes it.
    func pour(_ count: Int, of size: Int, into elements: Sender<[UInt8]>) async throws
}

struct EchoKeeper: Echo {
    func echo(_ bytes: [UInt8]) async throws -> [UInt8] { bytes }

    func sleep() async throws { try await Task.sleep(for: .seconds(3_600)) }

    func pour(_ count: Int, of size: Int, into elements: Sender<[UInt8]>) async throws {
        let element = [UInt8](repeating: 7, count: size)
        for _ in 0..<count { try await elements.send(element) }
        elements.close()
    }
}
