import SkerrySession
import Testing

@testable import SkerryReplication

@Suite("What waits for a member")
struct FrameQueueTests {
    @Test("the oldest frames go when there are too many or they are too large, and the latest stays", arguments: 0..<20)
    func bounds(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var queue = FrameQueue(countMaximum: 5, bytesMaximum: 100)
        var model: [[UInt8]] = []
        for number in 0..<500 {
            if generator.next() % 3 == 0 {
                #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            } else {
                let frame = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: Int(generator.next() % 60))
                queue.append(frame)
                model.append(frame)
                while model.count > 1, model.count > 5 || model.reduce(0, { $0 + $1.count }) > 100 { model.removeFirst() }
            }
            #expect(queue.count == model.count && queue.bytes == model.reduce(0) { $0 + $1.count })
        }
    }
}
