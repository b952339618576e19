internal import Crypto

extension NodeKey {
    /// The name of a node key: SHA-256 of the public key's SubjectPublicKeyInfo in DER, as RFC 7469 pins keys.
    ///
    /// Printed as 64 lower-case hexadecimal digits, what `openssl pkey -pubout -outform DER | sha256sum` says.
    public struct Hash: Sendable, Hashable, CustomStringConvertible {
        /// 32 bytes.
        public let bytes: [UInt8]

        static let byteCount = 32

        /// Nil unless there are 32 bytes.
        public init?(bytes: some Collection<UInt8>) {
            guard bytes.count == Self.byteCount else { return nil }
            self.bytes = Array(bytes)
        }

        /// Nil unless there are 64 hexadecimal digits, of either case.
        public init?(_ text: some StringProtocol) {
            let digits = Array(text.utf8)
            guard digits.count == 2 * Self.byteCount else { return nil }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Self.byteCount)
            for index in stride(from: 0, to: digits.count, by: 2) {
                guard let high = Self.value(of: digits[index]), let low = Self.value(of: digits[index + 1]) else { return nil }
                bytes.append(high << 4 | low)
            }
            self.bytes = bytes
        }

        init(ofPublicKey info: some Sequence<UInt8>) {
            bytes = Array(SHA256.hash(data: Array(info)))
        }

        public var description: String {
            String(decoding: bytes.flatMap { [Self.digit($0 >> 4), Self.digit($0 & 0xF)] }, as: UTF8.self)
        }

        private static func digit(_ nibble: UInt8) -> UInt8 {
            nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
        }

        private static func value(of digit: UInt8) -> UInt8? {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
            default: nil
            }
        }
    }
}
