import ArgumentParser
import Logging
import Testing

@testable import skerry

@Suite("Configuration of the server")
struct ServerConfigurationTests {
    /// Another valid value of each setting for each source.
    private static let values: [Setting: (flag: String, environment: String, file: String)] = [
        .data: ("/flag", "/environment", "/file"),
        .listen: ("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"),
        .admin: ("[::1]:1", "[::1]:2", "[::1]:3"),
        .region: ("flag-1", "environment-1", "file-1"),
        .domain: ("flag.example", "environment.example", "file.example"),
        .site: ("flag", "environment", "file"),
        .bucket: ("flag-bucket", "environment-bucket", "file-bucket"),
        .logLevel: ("trace", "debug", "error"),
        .uploadMemory: ("11", "12", "13"),
        .collectionGrace: ("21", "22", "23"),
        .collectionInterval: ("31", "32", "33"),
        .allowClockBehind: ("false", "true", "1"),
    ]

    private func configuration(
        flags: [Setting: String] = [:], environment: [String: String] = [:], file: String? = nil
    ) throws -> ServerConfiguration {
        guard let file else { return try ServerConfiguration(flags: flags, environment: environment, file: nil) }
        return try withTemporaryFile(file) { path in
            try ServerConfiguration(flags: flags, environment: environment, file: path)
        }
    }

    private func only(_ setting: Setting, _ value: String) throws -> ServerConfiguration { try configuration(flags: [setting: value]) }

    @Test("a flag goes before the environment, that before the file, and that before the default", arguments: Setting.allCases)
    func precedence(_ setting: Setting) throws {
        let (flag, environment, file) = try #require(Self.values[setting])
        let variables = [setting.environmentName: environment]
        let document = "{ \"\(setting.fileKey)\": \"\(file)\" }"
        #expect(try configuration(flags: [setting: flag], environment: variables, file: document) == only(setting, flag))
        #expect(try configuration(environment: variables, file: document) == only(setting, environment))
        #expect(try configuration(file: document) == only(setting, file))
        #expect(try only(setting, environment) != only(setting, flag))
        #expect(try configuration() == configuration(flags: setting.defaultValue.map { [setting: $0] } ?? [:]))
    }

    @Test("the defaults are those that --help names")
    func defaults() throws {
        let configuration = try configuration()
        #expect(configuration.data == "./skerry-data")
        #expect(configuration.listen.description == "127.0.0.1:9000")
        #expect(configuration.admin.description == "127.0.0.1:0")
        #expect(configuration.region == "us-east-1")
        #expect(configuration.domains.isEmpty)
        #expect(configuration.bucket == nil)
        #expect(configuration.logLevel == .info)
        #expect(configuration.uploadMemory == 96 << 20)
        #expect(configuration.collectionGrace == 3_600_000)
        #expect(configuration.collectionInterval == .seconds(900))
        #expect(!configuration.allowsClockBehind)
    }

    @Test("the help of each setting names its environment variable, its key in the file and its default", arguments: Setting.allCases)
    func help(_ setting: Setting) {
        #expect(setting.help.contains("environment: \(setting.environmentName)"))
        #expect(setting.help.contains("file: \(setting.fileKey)"))
        if let value = setting.defaultValue { #expect(setting.help.contains("default: \(value)]")) }
        #expect(ServeCommand.helpMessage(columns: 1000).contains("\(setting.flag) "))
        #expect(ServeCommand.helpMessage(columns: 1000).contains(setting.environmentName))
    }

    @Test("names follow one rule in all three sources")
    func names() {
        #expect(Setting.logLevel.flag == "--log-level")
        #expect(Setting.logLevel.environmentName == "SKERRY_LOG_LEVEL")
        #expect(Setting.logLevel.fileKey == "logLevel")
    }

    @Test("an empty variable is as good as none")
    func emptyVariable() throws {
        #expect(try configuration(environment: ["SKERRY_REGION": ""]).region == "us-east-1")
    }

    @Test("the command line's flags become settings")
    func commandLine() throws {
        let command = try #require(
            try Skerry.parseAsRoot([
                "serve", "--data", "d", "--listen", "h:1", "--admin", "h:2", "--region", "r", "--domain", "a.example", "--domain",
                "b.example",
                "--site", "s", "--bucket", "b", "--log-level", "debug", "--upload-memory", "64", "--collection-grace", "9",
                "--collection-interval", "5",
                "--allow-clock-behind",
            ]) as? ServeCommand)
        #expect(Set(command.flags.keys) == Set(Setting.allCases))
        let configuration = try configuration(flags: command.flags)
        #expect(configuration.listen == ListenAddress("h:1"))
        #expect(configuration.domains == ["a.example", "b.example"])
        #expect(configuration.uploadMemory == 64 << 20)
        #expect(configuration.allowsClockBehind)
    }

    @Test("the file takes texts, numbers, truths and lists")
    func kinds() throws {
        let configuration = try configuration(
            file: #"{ "domain": ["A.example", "b.example"], "uploadMemory": 32, "allowClockBehind": true, "site": "north" }"#)
        #expect(configuration.domains == ["a.example", "b.example"])
        #expect(configuration.uploadMemory == 32 << 20)
        #expect(configuration.allowsClockBehind)
        #expect(configuration.site == "north")
    }

    @Test(
        "a file that cannot be meant gives one line that says what is wrong",
        arguments: [
            (#"{ "lisen": "127.0.0.1:1" }"#, "unknown key \"lisen\""),
            (#"{ "log-level": "info" }"#, "unknown key \"log-level\""),
            (#"{ "listen": { "port": 1 } }"#, "the value of \"listen\""),
            (#"{ "domain": [1] }"#, "the value of \"domain\""),
            (#"{ "listen": null }"#, "the value of \"listen\""),
            (#"{ "site": "a", "site": "b" }"#, "site stands here twice"),
            ("[]", "one JSON object"),
            ("{\n  \"site\": \n}", "line 3"),
        ])
    func badFiles(document: String, message: String) {
        let failure = #expect(throws: CommandFailure.self) { try configuration(file: document) }
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
        #expect(failure?.status == 1)
    }

    @Test("a missing file is named")
    func missingFile() {
        let failure = #expect(throws: CommandFailure.self) {
            try ServerConfiguration(flags: [:], environment: [:], file: "/nonexistent/skerry.json")
        }
        #expect(failure?.message == "cannot read the configuration file /nonexistent/skerry.json: No such file or directory")
    }

    @Test(
        "a value that cannot be meant is refused with all names of its setting",
        arguments: [
            (Setting.listen, "9000"), (.listen, ":9000"), (.listen, "::1:9000"), (.admin, "localhost:70000"), (.logLevel, "loud"),
            (.uploadMemory, "7"), (.uploadMemory, "many"), (.collectionGrace, "-1"), (.collectionInterval, "0"),
            (.allowClockBehind, "perhaps"), (.region, "a b"),
            (.site, "ü"),
        ])
    func badValues(setting: Setting, value: String) {
        let failure = #expect(throws: CommandFailure.self) { try only(setting, value) }
        for name in [setting.flag, setting.environmentName, "\"\(setting.fileKey)\"", "\"\(value)\""] {
            #expect(failure?.message.contains(name) == true)
        }
    }
}

@Suite("Addresses to listen on")
struct ListenAddressTests {
    @Test(
        "an address that is read prints as it was written",
        arguments: ["127.0.0.1:9000", "localhost:0", "[::1]:65535", "s3.example.org:80"])
    func roundTrip(_ text: String) {
        #expect(ListenAddress(text)?.description == text)
    }

    @Test("brackets are not part of the host")
    func brackets() {
        #expect(ListenAddress("[::1]:9000")?.host == "::1")
    }

    @Test("what is no address is none", arguments: ["", ":", ":1", "a", "a:", "a:x", "a:-1", "a:65536", "::1:1", "a b:1", "[]:1"])
    func refusals(_ text: String) {
        #expect(ListenAddress(text) == nil)
    }
}
