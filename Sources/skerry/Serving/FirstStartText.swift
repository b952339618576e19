/// What the first start shows, once: the root credentials and a line that uses them.
struct FirstStartText {
    let text: String

    init(_ credentials: RootCredentials, file: String, endpoint: String, region: String) {
        text = """
            skerry: root credentials were made and are kept in \(file); they are shown only now
              access key  \(credentials.accessKey)
              secret key  \(credentials.secretKey)
            try them:
              AWS_ACCESS_KEY_ID=\(credentials.accessKey) AWS_SECRET_ACCESS_KEY=\(credentials.secretKey) AWS_DEFAULT_REGION=\(region) \
            aws --endpoint-url http://\(FirstStartText.reachable(endpoint)) s3 ls

            """
    }

    /// An address of every interface is none a client can connect to.
    private static func reachable(_ endpoint: String) -> String {
        for (wildcard, local) in [("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")] where endpoint.hasPrefix(wildcard) {
            return local + endpoint.dropFirst(wildcard.count)
        }
        return endpoint
    }
}
