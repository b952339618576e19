import Testing

@testable import SkerryWire

/// Keys, their names and their text.
@Suite struct NodeKeyTests {
    /// The example of RFC 8410 section 10.3, and the certificate's public key of section 10.1 and 10.2.
    private static let pem = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
        -----END PRIVATE KEY-----

        """
    private static let publicKey = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="

    @Test("The key of RFC 8410 is read, has the public key printed there, and is written back as it stood")
    func rfc8410() throws {
        let key = try NodeKey(pem: Array(Self.pem.utf8))
        #expect(Base64.encoded(key.publicKeyInfo) == Self.publicKey)
        #expect(String(decoding: key.pem, as: UTF8.self) == Self.pem)
        // printf PUBLIC | base64 -d | sha256sum
        #expect(key.hash.description == "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f")
        #expect(NodeKey.Hash(key.hash.description) == key.hash)
        #expect(NodeKey.Hash(key.hash.description.uppercased()) == key.hash)
        #expect(NodeKey.Hash(bytes: key.hash.bytes) == key.hash)
    }

    @Test("A new key survives its text, and no two are the same")
    func roundTrip() throws {
        let keys = (0..<20).map { _ in NodeKey() }
        for key in keys { #expect(try NodeKey(pem: key.pem).hash == key.hash) }
        #expect(Set(keys.map(\.hash)).count == keys.count)
        #expect(try NodeKey(pem: Array("some words\r\n".utf8) + keys[0].pem + Array("more".utf8)).hash == keys[0].hash)
    }

    @Test(
        "Text that is no Ed25519 key is refused with a reason",
        arguments: [
            "", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVg=\n-----END PRIVATE KEY-----\n",
            "-----BEGIN EC PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END EC PRIVATE KEY-----\n",
            // X25519, which signs nothing.
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
            String(repeating: "x", count: 5000),
        ])
    func badText(_ text: String) {
        #expect(throws: NodeKeyError.self) { try NodeKey(pem: Array(text.utf8)) }
        #expect(throws: NodeKeyError.self) { try NodeKey(seed: [1, 2, 3]) }
    }

    @Test(
        "Names of keys have one form",
        arguments: ["", "00", String(repeating: "g", count: 64), String(repeating: "0", count: 65), String(repeating: "é", count: 32)])
    func badHash(_ text: String) {
        #expect(NodeKey.Hash(text) == nil)
        #expect(NodeKey.Hash(bytes: [1]) == nil)
    }

    @Test("The certificate of a key is the same at every start")
    func certificate() throws {
        let key = NodeKey()
        #expect(try key.certificate == NodeKey(pem: key.pem).certificate)
    }

    @Test("Base64 agrees with RFC 4648 and refuses second forms")
    func base64() {
        for (plain, text) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ] {
            #expect(Base64.encoded(Array(plain.utf8)) == text)
            #expect(Base64.decoded(Array(text.utf8)) == Array(plain.utf8))
        }
        for text in ["Zh==", "Zm9=", "Zg=", "Zg", "Z===", "=", "Zm9v\n", "Zm 9"] { #expect(Base64.decoded(Array(text.utf8)) == nil) }
    }
}
