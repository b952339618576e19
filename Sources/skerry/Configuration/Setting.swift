/// What may be set for `skerry serve`: by flag, by environment variable, in the configuration file, in this order of precedence.
///
/// Every value is text until ``ServerConfiguration`` reads it, so that all sources obey one grammar.
enum Setting: String, CaseIterable, Sendable {
    case data, listen, admin, region, domain, site, bucket, logLevel, uploadMemory, collectionGrace, collectionInterval, allowClockBehind

    /// The name in the configuration file.
    var fileKey: String { rawValue }

    /// `log-level`: words of the file's name in lower case, joined by hyphens.
    private var words: String { rawValue.map { $0.isUppercase ? "-\($0.lowercased())" : "\($0)" }.joined() }

    var flag: String { "--" + words }

    var environmentName: String { "SKERRY_" + String(words.map { $0 == "-" ? "_" : $0 }).uppercased() }

    /// What holds when nobody says anything; nil: the setting stays unset.
    var defaultValue: String? {
        switch self {
        case .data: "./skerry-data"
        case .listen: "127.0.0.1:9000"
        case .admin: "127.0.0.1:0"
        case .region: "us-east-1"
        case .site: "site"
        case .logLevel: "info"
        case .uploadMemory: "96"
        case .collectionGrace: "3600"
        case .collectionInterval: "900"
        case .allowClockBehind: "false"
        case .domain, .bucket: nil
        }
    }

    private var summary: String {
        switch self {
        case .data: "Directory that holds everything; made when missing."
        case .listen: "Address of the S3 endpoint, HOST:PORT; port 0 lets the system choose."
        case .admin: "Address of the admin port (health, metrics, users, keys), HOST:PORT; port 0 lets the system choose."
        case .region: "Region that clients sign for and buckets are in."
        case .domain: "Domain whose subdomains are buckets (virtual-host style); several are separated by commas."
        case .site: "Short name of this site."
        case .bucket: "Bucket to make at the start when it is missing."
        case .logLevel: "Least level that is logged: trace, debug, info, notice, warning, error, critical."
        case .uploadMemory: "Buffers of uploads under way, in MiB."
        case .collectionGrace: "Seconds for which bytes that nothing refers to are kept."
        case .collectionInterval: "Seconds between two collections of such bytes."
        case .allowClockBehind: "Start although the clock is more than 10 minutes behind the last write."
        }
    }

    /// What `--help` says: meaning, the other two names, the default.
    var help: String {
        "\(summary) [environment: \(environmentName); file: \(fileKey)\(defaultValue.map { "; default: \($0)" } ?? "")]"
    }
}
