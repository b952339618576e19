internal import Crypto

extension NodeKey {
    /// A self-signed certificate for this key, in DER (RFC 5280, RFC 8410).
    ///
    /// It carries the key and nothing else: no name, and a validity from 1970 to the end of time (RFC 5280 section 4.1.2.5), because what is trusted
    /// is the key, and a node whose clock is wrong must still be able to meet its peers. The bytes follow from the key, so they are made anew at every start.
    var certificate: [UInt8] {
        get throws(NodeKeyError) {
            let content = DER.sequence(
                DER.explicit(0, DER.integer(2))  // version 3
                    + DER.integer(1)  // serial number
                    + DER.ed25519  // signature algorithm
                    + Self.name
                    + DER.sequence(DER.time("19700101000000Z") + DER.time("99991231235959Z"))
                    + Self.name
                    + publicKeyInfo)
            guard let signature = try? privateKey.signature(for: content) else {
                throw NodeKeyError("the key cannot sign")
            }
            return DER.sequence(content + DER.ed25519 + DER.bitString(Array(signature)))
        }
    }

    /// `CN=skerry`: issuers must not be empty.
    private static var name: [UInt8] {
        DER.sequence(DER.set(DER.sequence(DER.commonName + DER.utf8String("skerry"))))
    }
}
