internal import Synchronization

/// Names requests: 16 upper-case hexadecimal digits, unique in this process and, but for a chance of one in 2^32 per pair, over restarts.
///
/// The upper half starts at random, the lower half counts from zero and carries into the upper.
final class RequestIdentifiers: Sendable {
    private let counter: Atomic<UInt64>

    init(processNumber: UInt32 = .random(in: .min ... .max)) {
        counter = Atomic(UInt64(processNumber) << 32)
    }

    func next() -> String {
        Self.hexadecimal(counter.wrappingAdd(1, ordering: .relaxed).oldValue)
    }

    static func hexadecimal(_ number: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { digits in
            for index in 0..<16 {
                let nibble = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * index)) & 0xF
                digits[index] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
            }
            return 16
        }
    }
}
