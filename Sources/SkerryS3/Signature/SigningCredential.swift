/// An access key and its secret, as the verifier needs them.
///
/// The secret never reaches a log: every description of the value leaves it out.
public struct SigningCredential: Sendable, Equatable {
    public let accessKey: String
    let secret: [UInt8]

    public init(accessKey: String, secretKey: String) {
        self.accessKey = accessKey
        secret = Array(secretKey.utf8)
    }
}

extension SigningCredential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "SigningCredential(\(accessKey))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["accessKey": accessKey]) }
}
