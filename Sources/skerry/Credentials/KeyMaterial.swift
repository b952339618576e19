/// What access keys and secret keys are made of, and which given ones are taken.
enum KeyMaterial {
    /// Characters of a generated access key: 20 of 32 letters and digits, 100 bits.
    private static let accessAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    private static let accessLength = 20
    /// Characters of a generated secret: 40 of 62 letters and digits, 238 bits. AWS's own also hold `/` and `+`, which shells and URLs mangle.
    private static let secretAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    private static let secretLength = 40

    static func accessKey(_ generator: inout some RandomNumberGenerator) -> String {
        text(accessLength, of: accessAlphabet, &generator)
    }

    static func secretKey(_ generator: inout some RandomNumberGenerator) -> String {
        text(secretLength, of: secretAlphabet, &generator)
    }

    /// An access key stands in a credential scope, between slashes, in a comma-separated header and in URLs.
    static func isAccessKey(_ text: String) -> Bool {
        (3...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
                default: false
                }
            }
    }

    static let accessKeyForm = "an access key: 3 to 128 letters, digits, '-', '_' or '.'"

    /// A secret never travels; it only has to be typed and kept in files of one line.
    static func isSecretKey(_ text: String) -> Bool {
        (8...256).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    static let secretKeyForm = "a secret key: 8 to 256 printable ASCII characters without blanks"

    private static func text(_ count: Int, of alphabet: [Character], _ generator: inout some RandomNumberGenerator) -> String {
        String((0..<count).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] })
    }
}
