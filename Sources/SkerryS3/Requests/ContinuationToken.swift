import SkerryChunks

/// Where a listing goes on, as clients carry it from page to page: the last name of a page in a form that survives every header and document.
///
/// `1` (the version) and base64 of the name. It says nothing a caller could not see, so it is not signed; a made-up token is a made-up
/// `start-after` and no more.
enum ContinuationToken {
    private static let version: Character = "1"

    static func text(_ name: some Collection<UInt8>) -> String { "\(version)" + Base64.encode(name) }

    /// The name in a token; nil for an empty token, which means the beginning.
    static func name(_ text: String) throws(S3Error) -> [UInt8]? {
        if text.isEmpty { return nil }
        guard text.first == version, let name = Base64.decode(text.dropFirst()) else {
            throw .invalidArgument("The continuation token provided is incorrect", name: "continuation-token", value: text)
        }
        return name
    }
}
