import Configuration
import Logging

/// What `skerry serve` runs with, each value taken from the first source that has it: flag, environment, file, default.
struct ServerConfiguration: Sendable, Hashable {
    var data: String
    var listen: ListenAddress
    var admin: ListenAddress
    var region: String
    var domains: [String]
    var site: String
    var bucket: String?
    var logLevel: Logger.Level
    /// Bytes.
    var uploadMemory: Int
    /// Milliseconds.
    var collectionGrace: UInt64
    var collectionInterval: Duration
    var allowsClockBehind: Bool

    /// - Parameters:
    ///   - flags: What the command line gave.
    ///   - environment: The process's environment; of it only names that ``Setting`` knows are read, and empty values count as absent.
    ///   - file: Path of the configuration file, nil for none.
    /// - Throws: One line that names the setting at fault.
    init(flags: [Setting: String], environment: [String: String], file: String?) throws(CommandFailure) {
        let reader = try ServerConfiguration.reader(flags: flags, environment: environment, file: file)
        func text(_ setting: Setting) -> String? {
            reader.string(forKey: ConfigKey([setting.fileKey])) ?? setting.defaultValue
        }
        func value<Value>(_ setting: Setting, _ form: String, _ parse: (String) -> Value?) throws(CommandFailure) -> Value {
            let given = text(setting) ?? ""
            guard let value = parse(given) else {
                let names = "\(setting.flag), \(setting.environmentName) or \"\(setting.fileKey)\" in the file"
                throw CommandFailure("\"\(given)\" is not \(form) (\(names))")
            }
            return value
        }
        func name(_ text: String) -> String? {
            !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? text : nil
        }
        data = try value(.data, "a directory") { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 }
        listen = try value(.listen, "an address of the form HOST:PORT") { ListenAddress($0) }
        admin = try value(.admin, "an address of the form HOST:PORT") { ListenAddress($0) }
        region = try value(.region, "the name of a region", name)
        domains = (text(.domain) ?? "").split(separator: ",").map { $0.lowercased() }
        site = try value(.site, "the name of a site", name)
        bucket = text(.bucket)
        logLevel = try value(.logLevel, "a log level") { Logger.Level(rawValue: $0) }
        uploadMemory = try value(.uploadMemory, "a number of MiB from 8 to 65536") { text in
            Int(text).flatMap { (8...65_536).contains($0) ? $0 << 20 : nil }
        }
        collectionGrace = try value(.collectionGrace, "a number of seconds from 0 to 31536000") { text in
            UInt64(text).flatMap { $0 <= 31_536_000 ? $0 * 1000 : nil }
        }
        collectionInterval = try value(.collectionInterval, "a number of seconds from 1 to 86400") { text in
            Int(text).flatMap { (1...86_400).contains($0) ? .seconds($0) : nil }
        }
        allowsClockBehind = try value(.allowClockBehind, "true or false") { ["true": true, "1": true, "false": false, "0": false][$0] }
    }

    private static func reader(
        flags: [Setting: String], environment: [String: String], file: String?
    ) throws(CommandFailure) -> ConfigReader {
        let given = flags.map { ([$0.key.fileKey] as AbsoluteConfigKey, ConfigValue(.string($0.value), isSecret: false)) }
        var providers: [any ConfigProvider] = [
            InMemoryProvider(name: "command line", values: Dictionary(given) { _, last in last }),
            EnvironmentVariablesProvider(environmentVariables: environment.filter { !$0.value.isEmpty }).prefixKeys(with: "skerry"),
        ]
        if let file { providers.append(try ConfigurationFile.provider(path: file)) }
        return ConfigReader(providers: providers)
    }
}
