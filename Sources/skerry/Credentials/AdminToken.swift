import Crypto

/// The bearer token of the admin port: proof of knowing the root credentials without sending the secret.
///
/// HMAC-SHA256 under the secret key over a fixed label and the access key, in hexadecimal. It changes exactly when the root credentials do,
/// so it can be made again wherever they are known: by the server, and by a command that has them in its environment.
struct AdminToken: Sendable, Hashable {
    let text: String

    init(text: String) { self.text = text }

    init(_ credentials: RootCredentials) {
        let label = "skerry admin 1\n" + credentials.accessKey
        let code = HMAC<SHA256>.authenticationCode(for: Array(label.utf8), using: SymmetricKey(data: Array(credentials.secretKey.utf8)))
        text = code.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// Whether `field`, an Authorization header's value, carries this token. Takes the same time for every wrong token of the right length.
    func matches(authorization field: String?) -> Bool {
        guard let given = field?.utf8 else { return false }
        let expected = Array("Bearer \(text)".utf8)
        guard given.count == expected.count else { return false }
        return zip(given, expected).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
