import SkerryCodec

/// The file `root-credentials` of a data directory, mode 0600: the credentials that were made there, and what else was last in force.
///
/// ```json
/// { "accessKey": "…", "secretKey": "…", "environmentAccessKey": "…" }
/// ```
///
/// The first two are missing where the environment always gave credentials; the last one where it did not.
struct RootCredentialRecord: Sendable, Hashable {
    static let fileName = "root-credentials"
    static let sizeMaximum = 64 << 10

    var generated: RootCredentials?
    /// The access key the environment last gave. Its secret is not kept here.
    var environmentAccessKey: String?

    init(generated: RootCredentials? = nil, environmentAccessKey: String? = nil) {
        self.generated = generated
        self.environmentAccessKey = environmentAccessKey
    }

    /// Nil when the bytes are not such a record.
    init?(_ bytes: [UInt8]) {
        guard let members = try? JSON.decode(RootCredentialMembers.self, from: bytes) else { return nil }
        switch (members.accessKey, members.secretKey) {
        case (let accessKey?, let secretKey?): generated = RootCredentials(accessKey: accessKey, secretKey: secretKey)
        case (nil, nil): generated = nil
        default: return nil
        }
        environmentAccessKey = members.environmentAccessKey
    }

    var bytes: [UInt8] {
        PrettyJSON.bytes(
            RootCredentialMembers(
                accessKey: generated?.accessKey, secretKey: generated?.secretKey, environmentAccessKey: environmentAccessKey))
    }

    // MARK: The file; these block

    static func path(in directory: String) -> String { directory + "/" + fileName }

    /// Nil when there is none yet.
    static func read(in directory: String) throws(CommandFailure) -> RootCredentialRecord? {
        let path = path(in: directory)
        do {
            guard let record = RootCredentialRecord(try FileAccess.read(path, limit: sizeMaximum)) else {
                throw CommandFailure("\(path) is damaged; remove it and new root credentials will be made at the next start")
            }
            return record
        } catch let failure as CommandFailure {
            throw failure
        } catch let failure as FileAccess.Failure where failure.isMissing {
            return nil
        } catch {
            throw CommandFailure("cannot read \(path): \((error as? FileAccess.Failure)?.reason ?? "\(error)")")
        }
    }

    func write(in directory: String) throws(CommandFailure) {
        let path = RootCredentialRecord.path(in: directory)
        do {
            try FileAccess.replace(path, with: bytes)
        } catch {
            throw CommandFailure("cannot write \(path): \(error.reason)")
        }
    }
}

/// What stands in the file.
// @Shape
struct RootCredentialMembers: Sendable {
    var accessKey: String?
    var secretKey: String?
    var environmentAccessKey: String?
}
