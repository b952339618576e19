internal import SkerryDocuments
internal import Synchronization

/// Lets one task at a time work on a name; the others wait in line.
final class Turns: Sendable {
    private let lines = Mutex(NameTable<[CheckedContinuation<Void, Never>]>())

    func enter(_ name: String) async {
        await withCheckedContinuation { continuation in
            let isFree = lines.withLock { lines in
                guard lines[name] == nil else {
                    lines[name]?.append(continuation)
                    return false
                }
                lines[name] = []
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func leave(_ name: String) {
        let next = lines.withLock { lines -> CheckedContinuation<Void, Never>? in
            guard let line = lines[name], !line.isEmpty else {
                lines[name] = nil
                return nil
            }
            return lines[name]?.removeFirst()
        }
        next?.resume()
    }
}
