/// The pair of keys of the user `root`, who may do everything.
struct RootCredentials: Sendable, Hashable {
    var accessKey: String
    var secretKey: String

    /// Id of the user they sign for.
    static let userID = "root"

    static let accessKeyVariable = "SKERRY_ROOT_ACCESS_KEY"
    static let secretKeyVariable = "SKERRY_ROOT_SECRET_KEY"

    /// The credentials in the environment, nil when neither variable is set.
    ///
    /// - Throws: When one is set without the other, or cannot be a key.
    static func inEnvironment(_ environment: [String: String]) throws(CommandFailure) -> RootCredentials? {
        let accessKey = environment[accessKeyVariable] ?? ""
        let secretKey = environment[secretKeyVariable] ?? ""
        if accessKey.isEmpty && secretKey.isEmpty { return nil }
        guard !accessKey.isEmpty, !secretKey.isEmpty else {
            throw CommandFailure("\(accessKeyVariable) and \(secretKeyVariable) are set together or not at all")
        }
        guard KeyMaterial.isAccessKey(accessKey) else { throw CommandFailure("\(accessKeyVariable) is not \(KeyMaterial.accessKeyForm)") }
        guard KeyMaterial.isSecretKey(secretKey) else { throw CommandFailure("\(secretKeyVariable) is not \(KeyMaterial.secretKeyForm)") }
        return RootCredentials(accessKey: accessKey, secretKey: secretKey)
    }

    /// New ones from the system's random source.
    static func random() -> RootCredentials {
        var generator = SystemRandomNumberGenerator()
        return RootCredentials(accessKey: KeyMaterial.accessKey(&generator), secretKey: KeyMaterial.secretKey(&generator))
    }
}
