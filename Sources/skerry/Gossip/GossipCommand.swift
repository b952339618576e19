import ArgumentParser
import Glibc
import SkerryReplication
import SkerryWire

/// Peers that find each other, show who is alive, and share a board: membership and replication to play with.
struct GossipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gossip", abstract: "Join peers that find each other, see who is alive, and write on a board that all share.",
        discussion: """
            Start one, then others with --join and the address of any that runs. On a terminal a live display shows the members and the board, and what is \
            typed below it are commands: set KEY VALUE, unset KEY, get KEY, keys, members, digest, help, quit. Elsewhere, or with --plain, it reads the \
            same commands from standard input and prints a line for each change; with --json, lines of JSON. The end of input does not end it there.

            Only processes of this machine can join unless --key, which speaks TLS to the keys that --trust names, or --insecure. --secret-file keeps out whoever does \
            not know the secret. quit, SIGINT and SIGTERM leave the cluster, which takes a second; another signal ends it at once.
            """)

    @Option(help: ArgumentHelp("Where to listen; port 0 takes any that is free.", valueName: "host:port"))
    var listen = "127.0.0.1:7946"
    @Option(help: ArgumentHelp("A peer to join; given again, each of them. One that answers is enough.", valueName: "host:port"))
    var join: [String] = []
    @Option(help: ArgumentHelp("Where the others reach this one, if that is not where it listens.", valueName: "host:port"))
    var advertise: String?
    @Option(help: ArgumentHelp("What the others see; default: the address.", valueName: "name"))
    var name: String?
    @Option(
        help: ArgumentHelp(
            "Keep identity and board in this directory, which is made if it is missing; default: only in memory.", valueName: "dir"))
    var data: String?
    @Option(help: ArgumentHelp("A file with a secret that all peers know: at least 16 bytes, the same everywhere.", valueName: "file"))
    var secretFile: String?
    @Flag(help: "Lines instead of the live display.")
    var plain = false
    @Flag(help: "Lines of JSON, for programs.")
    var json = false
    @OptionGroup var link: LinkOptions

    func validate() throws {
        guard !plain || !json else { throw ValidationError("--plain and --json exclude each other.") }
        for address in [listen] + join + [advertise].compactMap(\.self) where ListenAddress(address) == nil {
            throw ValidationError("\"\(address)\" is not an address of the form HOST:PORT, or [ADDRESS]:PORT for IPv6.")
        }
        for address in join where ListenAddress(address)?.port == 0 { throw ValidationError("\"\(address)\" has no port.") }
        if let name, name.isEmpty || name.utf8.count > Self.nameMaximum {
            throw ValidationError("A name has 1 to \(Self.nameMaximum) bytes.")
        }
    }

    private static let nameMaximum = 64
    private static let secretBytes = (minimum: 16, maximum: 4096)

    func run() async throws {
        let node = try await GossipNode(
            GossipNode.Options(
                listen: try place(listen), advertise: try advertise.map(place), join: join, name: name, data: data, secret: try secret()),
            security: try link.security())
        if let key = link.key { StandardOutput.writeError("skerry: node key \(try link.nodeKey(key).hash)\n") }
        try await GossipRun(node, printer: GossipPrinter(isJSON: json), isDisplay: !plain && !json).run()
    }

    private func place(_ text: String) throws(CommandFailure) -> LinkAddress {
        guard let address = ListenAddress(text) else {
            throw CommandFailure("\"\(text)\" is not an address of the form HOST:PORT", status: 64)
        }
        return LinkAddress(host: address.host, port: address.port)
    }

    /// Without the line break that an editor leaves at the end.
    private func secret() throws(CommandFailure) -> [UInt8]? {
        guard let secretFile else { return nil }
        var bytes: [UInt8]
        do throws(FileAccess.Failure) { bytes = try FileAccess.read(secretFile, limit: Self.secretBytes.maximum) } catch {
            throw CommandFailure("\(secretFile): \(error.reason)")
        }
        while bytes.last == 0x0A || bytes.last == 0x0D { bytes.removeLast() }
        guard bytes.count >= Self.secretBytes.minimum else {
            throw CommandFailure(
                "\(secretFile): a secret has at least \(Self.secretBytes.minimum) bytes; `head -c 24 /dev/urandom | base64` makes one")
        }
        if FileAccess.isReadableByOthers(secretFile) { StandardOutput.writeError("skerry: others may read \(secretFile); chmod 600 it\n") }
        return bytes
    }
}
