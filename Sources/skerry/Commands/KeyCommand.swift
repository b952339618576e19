import ArgumentParser

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make, list and revoke access keys.", subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an access key for a user and show it.",
            discussion: "The secret key is shown only now. A secret given with --secret-key can be seen by other users of this machine.")

        @Option(
            name: [.customLong("user"), .customLong("id")],
            help: ArgumentHelp("Id of the user the key signs for.", valueName: "id"))
        var user: String = RootCredentials.userID
        @Option(help: ArgumentHelp("Access key; default: made at random.", valueName: "key"))
        var accessKey: String?
        @Option(help: ArgumentHelp("Secret key; default: made at random.", valueName: "key"))
        var secretKey: String?
        @Flag(help: "Print JSON.")
        var json = false
        @OptionGroup var location: StoreLocation

        func run() async throws {
            let new = NewKey(user: user, accessKey: accessKey, secretKey: secretKey)
            let key = try await location.withAdministration { try await $0.createKey(new) }
            StandardOutput.write(json ? PrettyJSON.text(["key": key]) : key.text)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List access keys, without their secrets.")

        @Option(
            name: [.customLong("user"), .customLong("id")],
            help: ArgumentHelp("Only keys of this user.", valueName: "id"))
        var user: String?
        @Flag(help: "Print JSON.")
        var json = false
        @OptionGroup var location: StoreLocation

        func run() async throws {
            let keys = try await location.withAdministration { try await $0.keys(of: user) }
            if json {
                StandardOutput.write(PrettyJSON.text(["keys": keys]))
                return
            }
            var table = TextTable(["ACCESS KEY": .left, "USER": .left, "CREATED": .left])
            for key in keys { table.add(key.accessKey, key.user, "\(Timestamp(milliseconds: key.created))") }
            StandardOutput.write(table.text)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke an access key: from now on nothing it signed is accepted.")

        @Argument(help: ArgumentHelp("The access key.", valueName: "key"))
        var key: String?
        @Option(help: ArgumentHelp("The same as a flag.", valueName: "key"))
        var accessKey: String?
        @OptionGroup var location: StoreLocation

        func validate() throws {
            guard (key == nil) != (accessKey == nil) else { throw ValidationError("Name one access key.") }
        }

        func run() async throws {
            guard let revoked = key ?? accessKey else { return }
            try await location.withAdministration { try await $0.revokeKey(revoked) }
        }
    }
}

extension KeyRecord {
    /// A new key as it is shown once.
    var text: String {
        var lines = "user        \(user)\naccess key  \(accessKey)\n"
        if let secretKey { lines += "secret key  \(secretKey)\n" }
        return lines
    }
}
