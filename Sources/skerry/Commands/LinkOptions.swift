import ArgumentParser
import SkerryWire

/// How a place on the network is spoken to.
struct LinkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Speak TLS with this node key, which is made if the file is missing.", valueName: "file"))
    var key: String?
    @Option(
        help: ArgumentHelp("Trust the peer with this node key; given again, each of them. Without it nobody is trusted.", valueName: "hash")
    )
    var trust: [String] = []
    @Flag(help: "Speak without protection to other machines, for a network that is protected by other means.")
    var insecure = false

    func validate() throws {
        guard key == nil || !insecure else { throw ValidationError("--key and --insecure exclude each other.") }
        guard trust.allSatisfy({ NodeKey.Hash($0) != nil }) else { throw ValidationError("A node key's hash has 64 hexadecimal digits.") }
        guard trust.isEmpty || key != nil else { throw ValidationError("--trust goes with --key.") }
    }

    func security() throws(CommandFailure) -> LinkSecurity {
        guard let key else { return insecure ? .plainAnywhere : .plain }
        return .tls(try nodeKey(key), trusting: .pinned(trust.compactMap { NodeKey.Hash($0) }))
    }

    func nodeKey(_ path: String) throws(CommandFailure) -> NodeKey {
        do {
            return try NodeKey(pem: try FileAccess.read(path, limit: 1 << 16))
        } catch let error as FileAccess.Failure where error.isMissing {
            let key = NodeKey()
            do { try FileAccess.replace(path, with: key.pem) } catch { throw CommandFailure("\(path): \(error.reason)", status: 128) }
            StandardOutput.writeError("skerry: made the node key \(key.hash)\n")
            return key
        } catch let error as FileAccess.Failure {
            throw CommandFailure("\(path): \(error.reason)", status: 128)
        } catch {
            throw CommandFailure("\(path): \(error)", status: 128)
        }
    }
}
