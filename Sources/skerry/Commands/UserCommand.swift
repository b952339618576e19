import ArgumentParser

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Make, list and remove users.", subcommands: [Create.self, List.self, Remove.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a user and its first access key, and show both.",
            discussion: "The secret key is shown only now. A secret given with --secret-key can be seen by other users of this machine.")

        @Option(help: ArgumentHelp("Id of the user: the owner's ID in S3.", valueName: "id"))
        var id: String
        @Option(help: ArgumentHelp("Name shown beside the id; default: the id.", valueName: "name"))
        var displayName: String?
        @Option(help: "Mail address.")
        var email: String = ""
        @Option(help: ArgumentHelp("Access key; default: made at random.", valueName: "key"))
        var accessKey: String?
        @Option(help: ArgumentHelp("Secret key; default: made at random.", valueName: "key"))
        var secretKey: String?
        @Flag(help: "Print JSON.")
        var json = false
        @OptionGroup var location: StoreLocation

        func run() async throws {
            let new = NewUser(id: id, displayName: displayName ?? id, email: email, accessKey: accessKey, secretKey: secretKey)
            let made = try await location.withAdministration { try await $0.createUser(new) }
            if json {
                StandardOutput.write(PrettyJSON.text(NewUserAnswer(user: made.user, key: made.key)))
            } else {
                StandardOutput.write(made.key.text)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the users.")

        @Flag(help: "Print JSON.")
        var json = false
        @OptionGroup var location: StoreLocation

        func run() async throws {
            let users = try await location.withAdministration { try await $0.users() }
            if json {
                StandardOutput.write(PrettyJSON.text(["users": users]))
                return
            }
            var table = TextTable(["ID": .left, "NAME": .left, "EMAIL": .left, "": .left])
            for user in users { table.add(user.id, user.displayName, user.email, user.isRoot ? "root" : "") }
            StandardOutput.write(table.text)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a user and its access keys.", discussion: "Refused while the user owns buckets.")

        @Argument(help: ArgumentHelp("Id of the user.", valueName: "id"))
        var name: String?
        @Option(help: ArgumentHelp("The same as a flag.", valueName: "id"))
        var id: String?
        @OptionGroup var location: StoreLocation

        func validate() throws {
            guard (name == nil) != (id == nil) else { throw ValidationError("Name one user.") }
        }

        func run() async throws {
            guard let user = name ?? id else { return }
            try await location.withAdministration { try await $0.removeUser(user) }
        }
    }
}
