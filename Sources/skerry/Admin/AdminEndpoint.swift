import SkerryCodec

/// The file `admin-endpoint` of a data directory, mode 0600: where the server that holds the directory takes admin calls.
///
/// ```json
/// { "address": "127.0.0.1:40123", "token": "…" }
/// ```
///
/// Written when the server is ready, removed when it stops; after a crash it is stale, which does no harm: the directory's lock is free then,
/// and commands that get the lock do not look at it.
struct AdminEndpoint: Sendable, Hashable {
    static let fileName = "admin-endpoint"
    static let sizeMaximum = 64 << 10

    var address: ListenAddress
    var token: AdminToken

    init(address: ListenAddress, token: AdminToken) {
        self.address = address
        self.token = token
    }

    init?(_ bytes: [UInt8]) {
        guard let record = try? JSON.decode(AdminEndpointRecord.self, from: bytes), let address = ListenAddress(record.address) else {
            return nil
        }
        self.init(address: address, token: AdminToken(text: record.token))
    }

    var bytes: [UInt8] { PrettyJSON.bytes(AdminEndpointRecord(address: address.description, token: token.text)) }

    // MARK: The file; these block

    static func path(in directory: String) -> String { directory + "/" + fileName }

    /// Nil when there is none, or none that can be read.
    static func read(in directory: String) -> AdminEndpoint? {
        (try? FileAccess.read(path(in: directory), limit: sizeMaximum)).flatMap(AdminEndpoint.init)
    }

    func write(in directory: String) throws(CommandFailure) {
        let path = AdminEndpoint.path(in: directory)
        do {
            try FileAccess.replace(path, with: bytes)
        } catch {
            throw CommandFailure("cannot write \(path): \(error.reason)")
        }
    }

    static func remove(in directory: String) {
        // A file left behind is stale, see above.
        try? FileAccess.remove(path(in: directory))
    }
}

/// What stands in the file.
// @Shape
struct AdminEndpointRecord: Sendable {
    var address: String
    var token: String
}
